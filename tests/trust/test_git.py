"""Git is asked safely: nothing that a repository names runs, and no name is taken for an option."""

from __future__ import annotations

import ast
import multiprocessing
import os
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from mlguard.errors import LimitError, SourceError, UsageError
from mlguard.history import TreeRoot, repository_of
from mlguard.source import Entry

Scratch = Any
"""What `scratch` of this folder's conftest gives."""
CHECKER = Path(__file__).parents[2] / "checker" / "mlguard"
PROGRAMS = ("subprocess", "pty")
CALLS = ("system", "popen", "execv", "execve", "execvp", "spawnv", "posix_spawn", "startfile")


def test_only_one_module_starts_programs() -> None:
    found = set()
    for path in CHECKER.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            called = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "os"
            if any(name.split(".")[0] in PROGRAMS for name in names) or (
                called and isinstance(node, ast.Attribute) and node.attr in CALLS
            ):
                found.add(path.relative_to(CHECKER).as_posix())
    assert found == {"history/git.py"}


def test_the_files_of_a_commit_are_read_without_a_checkout(scratch: Scratch) -> None:
    odd = "odd\nname é.tf"
    first = scratch.commit({"a/b/main.tf": "one\n", odd: "two\n", "HEAD": "three\n", "--output=x": "four\n"})
    scratch.commit({"a/b/main.tf": "changed\n"})
    (scratch.folder / odd).unlink()
    with repository_of(scratch.folder) as repository:
        root = TreeRoot(repository, repository.commit(first))
        assert root.read("a/b/main.tf").text == "one\n"
        assert [root.read(name).text for name in (odd, "HEAD", "--output=x")] == ["two\n", "three\n", "four\n"]
        assert root.entries("") == sorted(
            [Entry("a", "folder"), Entry(odd, "file"), Entry("HEAD", "file"), Entry("--output=x", "file")]
        )
        assert (root.names("a"), root.names("a/b"), root.names("none")) == (["b"], ["main.tf"], [])
        assert (root.is_folder("a"), root.is_file("a"), root.is_file("a/b/main.tf")) == (True, False, True)
        assert [root.exists(path) for path in ("a/b", "a/c", "../x")] == [True, False, False]
        with pytest.raises(SourceError, match="no such file"):
            root.read("a/none.tf")
        with pytest.raises(SourceError, match="leaves the scanned folder"):
            root.read("../x")


def test_limits_hold_and_the_next_object_is_read_right(scratch: Scratch) -> None:
    commit = scratch.commit({"large": "x" * 3_000_000, "small": "ok"})
    with repository_of(scratch.folder) as repository:
        root = TreeRoot(repository, commit)
        with pytest.raises(LimitError, match="larger than 100 bytes"):
            root.read_bytes("large", 100)
        assert root.read_start("large", 5) == b"xxxxx"
        assert root.read("small").text == "ok"


def test_links_and_submodules_are_not_followed(scratch: Scratch) -> None:
    scratch.write({"real.yaml": "x"})
    (scratch.folder / "link.yaml").symlink_to("real.yaml")
    commit = scratch.commit({})
    scratch.git("update-index", "--add", "--cacheinfo", f"160000,{commit},module")
    scratch.git("commit", "--quiet", "-m", "submodule")
    with repository_of(scratch.folder) as repository:
        root = TreeRoot(repository, repository.commit("HEAD"))
        kinds = {entry.name: entry.kind for entry in root.entries("")}
        assert kinds == {"real.yaml": "file", "link.yaml": "link", "module": "other"}
        with pytest.raises(SourceError, match="a symbolic link, not followed"):
            root.read("link.yaml")
        with pytest.raises(SourceError, match="a submodule"):
            root.read("module")


@pytest.mark.parametrize(
    "ref",
    ["", "-x", "--upload-pack=touch x", "HEAD:a", ":/fix", "a..b", "a b", "a\nb", "main^{/x}*", "x" * 300, "nowhere"],
)
def test_what_is_no_commit_is_refused(scratch: Scratch, ref: str) -> None:
    scratch.commit({"a": "x"})
    with repository_of(scratch.folder) as repository, pytest.raises(UsageError):
        repository.commit(ref)


def test_commits_are_named_in_the_usual_ways(scratch: Scratch) -> None:
    first = scratch.commit({"a": "1"})
    second = scratch.commit({"a": "2"})
    scratch.git("tag", "-a", "-m", "x", "v1", first)
    with repository_of(scratch.folder) as repository:
        assert [repository.commit(ref) for ref in ("HEAD", "main", "refs/heads/main")] == [second] * 3
        assert [repository.commit(ref) for ref in ("HEAD~1", "v1", first, first[:10], "main^")] == [first] * 5


def test_a_tag_named_like_the_branch_is_refused(scratch: Scratch) -> None:
    first = scratch.commit({"a": "1"})
    scratch.git("update-ref", "refs/remotes/origin/main", first)
    second = scratch.commit({"a": "2"})
    with repository_of(scratch.folder) as repository:
        assert repository.commit("origin/main") == first
        scratch.git("tag", "origin/main", second)
        with pytest.raises(UsageError, match="refs/tags/origin/main or refs/remotes/origin/main: give the full name"):
            repository.commit("origin/main")
        assert repository.commit("refs/remotes/origin/main") == first


def test_histories_part_where_they_part(scratch: Scratch) -> None:
    first = scratch.commit({"a": "1"})
    scratch.git("switch", "--quiet", "-c", "topic")
    topic = scratch.commit({"b": "1"})
    scratch.git("switch", "--quiet", "main")
    main = scratch.commit({"c": "1"})
    scratch.git("switch", "--quiet", "--orphan", "other")
    other = scratch.commit({"d": "1"})
    with repository_of(scratch.folder) as repository:
        assert repository.merge_base(main, topic) == first
        with pytest.raises(UsageError, match="no common ancestor"):
            repository.merge_base(main, other)


def test_nothing_that_a_repository_names_is_run(
    scratch: Scratch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marker = tmp_path / "marker"
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {marker}\ncat\n")
    trap.chmod(stat.S_IRWXU)
    first = scratch.commit({"main.tf": "one\ntwo\n", ".gitattributes": "*.tf filter=trap diff=trap\n"})
    hooks = scratch.folder / ".git" / "hooks"
    for name in ("post-checkout", "reference-transaction", "post-index-change", "pre-commit"):
        shutil.copy(trap, hooks / name)
    for key in (
        "core.fsmonitor", "core.pager", "core.sshCommand", "core.askPass", "core.gitProxy", "core.editor",
        "core.alternateRefsCommand", "diff.external", "diff.trap.textconv", "diff.trap.command", "filter.trap.smudge",
        "filter.trap.clean", "filter.trap.process", "gpg.program", "pager.blame", "pager.rev-parse", "alias.blame",
        "credential.helper", "uploadpack.packObjectsHook",
    ):  # fmt: skip
        scratch.git("config", key, str(trap))
    scratch.git("config", "core.hooksPath", str(hooks))
    scratch.git("config", "remote.origin.url", f"ext::{trap}")
    scratch.git("config", "remote.origin.promisor", "true")
    scratch.git("config", "protocol.ext.allow", "always")
    scratch.git("config", "extensions.partialClone", "origin")
    for name in ("GIT_EXTERNAL_DIFF", "GIT_SSH_COMMAND", "GIT_PAGER", "GIT_ASKPASS", "GIT_EDITOR"):
        monkeypatch.setenv(name, str(trap))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    marker.unlink(missing_ok=True)
    with repository_of(scratch.folder) as repository:
        head = repository.commit("HEAD")
        assert repository.merge_base(head, first) == first
        root = TreeRoot(repository, head)
        assert root.read("main.tf").text == "one\ntwo\n"
        assert repository.blame(head, "main.tf", [2])[2][:2] == (first, "Ada")
        with pytest.raises(SourceError, match="partial or damaged"):
            repository.read("1" * 40, 10)
        assert root.read("main.tf").text == "one\ntwo\n"
    assert not marker.exists()


def test_a_program_named_git_in_the_repository_is_not_run(
    scratch: Scratch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = scratch.commit({"a": "1"})
    marker = tmp_path / "marker"
    scratch.write({"git": f"#!/bin/sh\ntouch {marker}\n"})
    (scratch.folder / "git").chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", os.pathsep.join((".", "", str(scratch.folder), os.environ["PATH"])))
    with repository_of(scratch.folder) as repository:
        assert repository.commit("HEAD") == first
    assert not marker.exists()
    monkeypatch.setenv("PATH", str(scratch.folder))
    with pytest.raises(UsageError, match="git is not installed"):
        repository_of(scratch.folder)


def test_a_tree_that_holds_itself_many_times_over_is_a_limit(scratch: Scratch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlguard.history.tree._MAX_LISTED", 500)
    names = "\n".join(f"100644 blob {scratch.git('hash-object', '-w', '--stdin')}\tf{number}" for number in range(9))
    tree = git_mktree(scratch, names)
    for _ in range(12):
        tree = git_mktree(scratch, "\n".join(f"040000 tree {tree}\td{number}" for number in range(9)))
    commit = scratch.git("commit-tree", "-m", "bomb", tree)
    limit = pytest.raises(LimitError, match="files and folders in a commit")
    with repository_of(scratch.folder) as repository, limit:
        list_all(TreeRoot(repository, commit))


def list_all(root: TreeRoot) -> None:
    pending = [""]
    while pending:
        folder = pending.pop()
        pending += [f"{folder}/{one.name}".strip("/") for one in root.entries(folder) if one.kind == "folder"]


def git_mktree(scratch: Scratch, entries: str) -> str:
    command = ["git", "mktree"]
    done = subprocess.run(command, cwd=scratch.folder, input=entries, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_a_folder_that_is_no_repository_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not the top of a git repository"):
        repository_of(tmp_path)


def test_copies_in_other_processes_ask_a_git_of_their_own(scratch: Scratch) -> None:
    scratch.commit({f"f{number}": f"{number}\n" * 500 for number in range(40)})
    for method in ("fork", "spawn"):
        with repository_of(scratch.folder) as repository, multiprocessing.get_context(method).Pool(3) as pool:
            root = TreeRoot(repository, repository.commit("HEAD"))
            assert root.read("f1").text.startswith("1\n")
            names = [f"f{number}" for number in range(40)]
            texts = [document.text for document in pool.map(root.read, names)]
            assert [text.split("\n")[0] for text in texts] == [name[1:] for name in names]
            assert root.read("f2").text.startswith("2\n")
