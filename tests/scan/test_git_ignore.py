"""What git ignores is left out, told by real git; nothing that git tracks is, and no assembly of a CDK app."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mlguard.scan.discover import Found, discover
from mlguard.scan.ignoring import Ignoring
from mlguard.source import Root
from mlguard.source.gitignore import Patterns

Discover = Callable[..., Found]
BUCKET = 'resource "aws_s3_bucket" "b" {}\n'


def git(folder: Path, *arguments: str, text: bytes = b"") -> bytes:
    """Run git, with no configuration but its own."""
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "HOME": str(folder)}
    command = ["git", "-c", "core.excludesFile=", "-c", "core.quotePath=false", *arguments]
    return subprocess.run(command, cwd=folder, input=text, capture_output=True, check=False, env=environment).stdout


NAMES = ("a", "b", "ab", "abc", "x.tf", "a-b", "]", "a b", "A", "!x", "#x", "é")
PIECES = (
    "a", "b", "ab", "*", "**", "?", "/", "/", "[ab]", "[!a]", "[^a]", "[a-c]", "x", ".tf", "\\", "!", "#", " ", "[",
    "]", "-", "[[:alpha:]]", "[[:nope:]]", "[]a]", "[a-]", "**/", "/**", "/**/", "é", "[^a", "\\ ", "a*b", "[z-a]",
)  # fmt: skip
LINES = st.builds(
    lambda negated, pieces, ending: negated + "".join(pieces) + ending,
    st.sampled_from(["", "", "", "!"]),
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=6),
    st.sampled_from(["", "", "/", " ", "\r"]),
)
FILES = st.lists(LINES, min_size=1, max_size=4).map("\n".join)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a repository with every name at every depth, as a folder and as a file."""
    folder = tmp_path_factory.mktemp("law")
    git(folder, "init", "--quiet", ".")
    for first in NAMES:
        for second in NAMES[:7]:
            (folder / f"d{first}" / second).mkdir(parents=True, exist_ok=True)
            for third in (*NAMES[:5], NAMES[-1]):
                (folder / f"d{first}" / second / f"f{third}").touch()
                (folder / f"d{first}" / second / third).touch()
        (folder / first).touch()
    for name in ("foo", "bar"):
        (folder / "nested" / name / "a" / "b").mkdir(parents=True)
        (folder / "nested" / name / "a" / "b" / "x.tf").touch()
    return folder


def everything(folder: Path) -> list[str]:
    return sorted(one.relative_to(folder).as_posix() for one in folder.rglob("*") if ".git" not in one.parts)


def ignored_here(folder: Path) -> set[str]:
    """Give what is ignored as the walk tells it: nothing below an ignored folder is asked for on its own."""
    found: set[str] = set()
    pending = [("", Ignoring(Root(folder), lambda _note: None, (".tf",)))]
    while pending:
        here, ignoring = pending.pop()
        inside = ignoring.into(here, os.listdir(folder / here))
        for name in os.listdir(folder / here):
            path = f"{here}/{name}" if here else name
            is_folder = (folder / path).is_dir()
            if name == ".git" or path.endswith(".gitignore"):
                continue
            if inside.ignores(path, is_folder=is_folder):
                found.add(path)
                found.update(f"{path}/{one}" for one in everything(folder / path) if not one.endswith(".gitignore"))
            elif is_folder:
                pending.append((path, inside))
    return found


def ignored_by_git(folder: Path) -> set[str]:
    paths = [path for path in everything(folder) if not path.endswith(".gitignore")]
    told = git(folder, "check-ignore", "--no-index", "--stdin", "-z", text="\0".join(paths).encode() + b"\0")
    return {one.decode() for one in told.split(b"\0") if one}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(top=FILES, nested=FILES, exclude=FILES)
@example(top="**/**\\/]\nd*", nested="!x.tf", exclude="*.tf")
@example(top="foo**/b", nested="/*\n!/a", exclude="a/")
@example(top="\ufeffd?/\n!da/", nested="**", exclude="nested/**/x.tf")
def test_ignored_is_what_git_ignores(repository: Path, top: str, nested: str, exclude: str) -> None:
    (repository / ".gitignore").write_bytes(top.encode())
    (repository / "nested" / ".gitignore").write_bytes(nested.encode())
    (repository / ".git" / "info" / "exclude").write_bytes(exclude.encode())
    assert ignored_here(repository) == ignored_by_git(repository)


@pytest.mark.parametrize(
    "pattern", [b"*a" * 40 + b"b", b"**/" * 40 + b"b", b"a*/**/" * 20 + b"b", b"[a-z]*" * 40 + b"0"]
)
def test_no_pattern_takes_long(pattern: bytes) -> None:
    """Each of these would try more ways than there are atoms, were anything tried twice."""
    assert Patterns(pattern).ignores(b"/".join([b"a" * 200] * 15), is_folder=False) is None


@pytest.fixture
def found(tmp_path: Path) -> Discover:
    """Give a function that writes files into a repository and looks for infrastructure code there."""
    git(tmp_path, "init", "--quiet", ".")

    def look(files: Mapping[str, str], *paths: str, add: bool = False, ignored: bool = False) -> Found:
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text, encoding="utf-8")
        if add:
            git(tmp_path, "add", "--force", ".")
        return discover(Root(tmp_path), paths or ("",), lambda _path: False, lambda _seen: None, ignored=ignored)

    return look


FILES_OF_ALL = {
    ".gitignore": "/build/\n*.gen.tf\n",
    "main.tf": BUCKET,
    "x/one.gen.tf": BUCKET,
    "build/out/main.tf": BUCKET,
}


def test_what_is_ignored_is_left_out_and_told(found: Discover) -> None:
    one = found(FILES_OF_ALL)
    assert list(one.terraform) == [""]
    assert one.skipped == {"x/one.gen.tf": "ignored by git"}
    assert one.notes == ["1 file and 1 folder that git ignores not looked at; `--no-ignore` looks at them"]
    assert sorted(found({}, ignored=True).terraform) == ["", "build/out", "x"]


def test_what_is_tracked_is_looked_at_whatever_a_pattern_says(found: Discover, tmp_path: Path) -> None:
    """A change that adds a pattern cannot hide what is committed."""
    assert sorted(found(FILES_OF_ALL, add=True).terraform) == ["", "build/out", "x"]
    (tmp_path / "build" / "new").mkdir()
    (tmp_path / "build" / "new" / "main.tf").write_text(BUCKET)
    one = found({"build/out/second.gen.tf": BUCKET})
    assert sorted(one.terraform) == ["", "build/out", "x"]
    assert "1 file and 1 folder that git ignores" in one.notes[0]


@pytest.mark.parametrize("version", ["2", "3", "4"])
def test_every_version_of_the_index_is_read(found: Discover, tmp_path: Path, version: str) -> None:
    files = {f"build/{'deep/' * n}main{n}.tf": BUCKET for n in range(12)}
    found({**FILES_OF_ALL, **files}, add=True)
    git(tmp_path, "update-index", "--index-version", version)
    if version == "3":
        (tmp_path / "later.tf").write_text(BUCKET)
        git(tmp_path, "add", "--intent-to-add", "later.tf")
    assert (tmp_path / ".git" / "index").read_bytes()[7] == int(version)
    assert len(found({}).terraform) == 15
    assert found({}).notes == []


@pytest.mark.parametrize(
    "content", [b"", b"DIRC", b"DIRC\0\0\0\x02\xff\xff\xff\xff", b"x" * 500, b"DIRC\0\0\0\x09" + b"\0" * 90]
)
def test_where_the_index_cannot_be_read_nothing_is_left_out(found: Discover, tmp_path: Path, content: bytes) -> None:
    found(FILES_OF_ALL)
    (tmp_path / ".git" / "index").write_bytes(content)
    assert sorted(found({}).terraform) == ["", "build/out", "x"]


def test_where_the_index_is_split_nothing_is_left_out(found: Discover, tmp_path: Path) -> None:
    found(FILES_OF_ALL, add=True)
    git(tmp_path, "update-index", "--split-index")
    assert sorted(found({}).terraform) == ["", "build/out", "x"]


def test_what_is_named_is_looked_at_although_it_is_ignored(found: Discover) -> None:
    assert list(found(FILES_OF_ALL, "build").terraform) == ["build/out"]
    assert list(found({}, "x/one.gen.tf").terraform) == ["x"]


def test_patterns_above_the_named_folder_count(found: Discover) -> None:
    files = {".gitignore": "out/\n", "a/.gitignore": "/b/gen\n", "a/b/gen/main.tf": BUCKET, "a/b/out/main.tf": BUCKET}
    assert not found({**files, "a/b/main.tf": BUCKET}, "a/b").terraform.keys() - {"a/b"}


def test_without_a_repository_nothing_is_ignored(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("*\n")
    (tmp_path / "main.tf").write_text(BUCKET)
    assert list(discover(Root(tmp_path), ("",), lambda _path: False, lambda _seen: None).terraform) == [""]


MANIFEST = json.dumps({"artifacts": {"S": {"type": "aws:cloudformation:stack"}}})


def test_an_ignored_assembly_is_what_a_cdk_app_is_scanned_as(found: Discover) -> None:
    files = {
        ".gitignore": "cdk.out\nbuild/\n",
        "app/cdk.json": "{}",
        "app/cdk.out/manifest.json": MANIFEST,
        "other/cdk.json": '{"output": "build/assembly"}',
        "other/build/assembly/manifest.json": MANIFEST,
        "other/build/other/manifest.json": MANIFEST,
    }
    assert sorted(found(files).assemblies) == ["app/cdk.out", "other/build/assembly"]
    assert sorted(found({}, "app").assemblies) == ["app/cdk.out"]


def test_an_ignored_synthesis_of_cdktf_is_looked_at(found: Discover) -> None:
    files = {".gitignore": "cdktf.out\n", "cdktf.out/stacks/a/cdk.tf.json": "{}", "cdktf.out/manifest.json": "{}"}
    assert list(found(files).terraform) == ["cdktf.out/stacks/a"]


def test_vendored_folders_are_told_once_for_each_kind(found: Discover, tmp_path: Path) -> None:
    kinds = ("node_modules", "vendor", ".terraform", "env/lib/site-packages")
    files = {f"{place}/{kind}/main.tf": BUCKET for kind in kinds for place in ("a", "b")}
    one = found({**files, "a/mine/pyvenv.cfg": "", "a/mine/main.tf": BUCKET, "main.tf": BUCKET})
    assert list(one.terraform) == [""]
    counted = [".terraform: 2 folders", "node_modules: 2 folders", "site-packages: 2 folders", "vendor: 2 folders"]
    what = "of other people's code not looked at; name one to scan it"
    assert one.notes == [f"{kind} {what}" for kind in (*counted, "venv: 1 folder")]
    assert list(found({}, "a/vendor").terraform) == ["a/vendor"]
    assert not (tmp_path / ".mlguard.yaml").exists()


def test_a_huge_file_of_patterns_is_not_respected(found: Discover) -> None:
    one = found({".gitignore": "*.tf\n" * 3000, "main.tf": BUCKET})
    assert list(one.terraform) == [""]
    assert one.notes == [".gitignore: more than 2,000 patterns; nothing is ignored for it"]


def test_a_link_of_patterns_is_not_followed(found: Discover, tmp_path: Path) -> None:
    found({"patterns": "*\n", "main.tf": BUCKET})
    (tmp_path / ".gitignore").symlink_to("patterns")
    assert list(found({}).terraform) == [""]
