"""Every example in the documentation is carried out, in a scratch folder for each page.

CONTRIBUTING.md, "Write documentation", tells the convention: fences with a title are files, `console` and `sh` are
run in the order of the page, everything else is read by the parser of its language.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
import yaml
from markdown_it import MarkdownIt

from mlguard.configuration import parse_configuration
from mlguard.parse.terraform.reader import read_body
from mlguard.parse.yaml_document import load_yaml
from mlguard.source import Document

TOP = Path(__file__).parents[2]
PAGES = [TOP / "README.md", TOP / "CONTRIBUTING.md", *sorted((TOP / "docs").rglob("*.md"))]
COMMENT = re.compile(r"<!-- (file|copy|not run): ([^\n]*?)(?:\n(.*))? ?-->\n?", re.DOTALL)
PATIENCE = 120
SHOWN_ONLY = ("", "text", "csv", "diff", "html", "xml")
READERS: Mapping[str, Callable[[str], object]] = {
    "yaml": lambda text: load_yaml(Document("example.yaml", text)),
    "hcl": lambda text: read_body(Document("example.tf", text)),
    "json": json.loads,
    "toml": tomllib.loads,
    "python": ast.parse,
}
"""What accepts an example of a language."""


@dataclass(frozen=True)
class Example:
    """A fence of a page, or a comment that sets the scene for it."""

    page: Path
    line: int
    end_line: int
    kind: str
    text: str
    title: str = ""
    not_run: str = ""

    def __str__(self) -> str:
        """Give the place, as editors open it."""
        return f"{self.page.name}:{self.line}"


@dataclass(frozen=True)
class Command:
    """A command as it is written, and what the page says that it prints; None where it shows no output at all."""

    written: str
    expected: str | None = None

    @property
    def text(self) -> str:
        """Give it on one line."""
        return re.sub(r"\\\n(> )?", "", self.written)


@cache
def examples(page: Path) -> list[Example]:
    """Give the fences of a page and the comments that concern them, in order."""
    found = []
    not_run = ""
    for token in MarkdownIt("commonmark").parse(page.read_text(encoding="utf-8")):
        first, last = (token.map[0] + 1, token.map[1]) if token.map else (0, 0)
        comment = COMMENT.match(token.content) if token.type == "html_block" else None
        if comment is not None and comment[1] == "not run":
            not_run = comment[2]
        elif comment is not None:
            found.append(Example(page, first, last, comment[1], comment[3] or "", comment[2]))
        elif token.type == "fence":
            words = shlex.split(token.info) or [""]
            named = dict(word.split("=", 1) for word in words[1:] if "=" in word)
            found.append(Example(page, first, last, words[0], token.content, named.get("title", ""), not_run))
            not_run = ""
    return found


def commands(example: Example) -> list[Command]:
    """Give the commands of a fence: in `console` those behind `$`, each with its output, in `sh` every line."""
    if example.kind == "sh":
        lines = re.findall(r"^(?!#|$)(?:.*\\\n)*.*$", example.text, re.MULTILINE)
        return [Command(line) for line in lines]
    parts = re.findall(r"^\$ ((?:.*\\\n)*.*)\n((?:(?!\$ ).*\n)*)", example.text, re.MULTILINE)
    return [Command(*part) for part in parts]


def agrees(expected: str, got: str) -> bool:
    """Compare; a line `...` stands for any lines, and `...` within a line for any text."""
    pattern = ""
    for line in expected.strip("\n").splitlines():
        if line.strip() == "...":
            pattern += r"(?:.*\n)*?"
        else:
            pattern += ".*".join(re.escape(part) for part in line.rstrip().split("...")) + r" *\n"
    return re.fullmatch(pattern, got.strip("\n") + "\n" if got.strip("\n") else "") is not None


class Scene:
    """The scratch folder of a page, where its files are written and its commands are run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "example"
        self.code = 0
        tools = folder / "tools"
        for made in (self.folder, tools):
            made.mkdir()
        (tools / "mlguard").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m mlguard "$@"\n', encoding="utf-8")
        (tools / "mlguard").chmod(0o755)
        who = ("GIT_AUTHOR", "GIT_COMMITTER")
        git = {"NAME": "Ada", "EMAIL": "ada@example.com", "DATE": "2026-11-26T12:00:00+0000"}
        self.environment = {
            **{name: value for name, value in os.environ.items() if name not in ("GITHUB_ACTIONS", "FORCE_COLOR")},
            **{f"{one}_{what}": value for one in who for what, value in git.items()},
            "PATH": f"{tools}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(folder),
            "COLUMNS": "100",
            "NO_COLOR": "1",
            "PYTHONIOENCODING": "utf-8",
        }

    def write(self, example: Example) -> None:
        """Write the file that a title names."""
        target = self.folder / example.title
        assert target.resolve().is_relative_to(self.folder.resolve()), f"{example}: {example.title} leaves the folder"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(example.text, encoding="utf-8", newline="\n")

    def copy(self, example: Example) -> None:
        """Copy a file or folder of the repository, `FROM` or `FROM as TO`."""
        source, _, target = example.title.partition(" as ")
        to = self.folder / (target or source)
        assert (TOP / source).exists(), f"{example}: there is no {source} in the repository"
        to.parent.mkdir(parents=True, exist_ok=True)
        if (TOP / source).is_dir():
            shutil.copytree(TOP / source, to, dirs_exist_ok=True, ignore=shutil.ignore_patterns("node_modules"))
        else:
            shutil.copy(TOP / source, to)

    def run(self, command: str) -> str:
        """Run a command as bash does, `$?` being the exit code of the one before; give what a terminal shows."""
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-c", f"(exit {self.code})\n{command}\n"],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=PATIENCE,
            check=False,
        )
        self.code = done.returncode
        return done.stdout


def carry_out(example: Example, scene: Scene) -> tuple[list[str], str]:
    """Run the commands of a fence; give what is wrong, and the text that would be right."""
    wrong = []
    right = ""
    listed = commands(example)
    for command, following in zip(listed, [*(one.text for one in listed[1:]), ""], strict=True):
        got = scene.run(command.text)
        if scene.code > 1 and following != "echo $?":
            wrong.append(
                f"{example}: `{command.text}` ends with {scene.code}; if it should, show `echo $?` after it\n{got}"
            )
        right += f"$ {command.written}\n"
        if command.expected is not None and not agrees(command.expected, got):
            wrong.append(f"{example}: `{command.text}` prints\n{got}")
            right += got
        else:
            right += command.expected or ""
    return wrong, right


def rewrite(page: Path, right: list[tuple[Example, str]]) -> None:
    """Put what commands print into their fences; from the last one up, so that line numbers hold."""
    lines = page.read_text(encoding="utf-8").splitlines(keepends=True)
    for example, text in reversed(right):
        lines[example.line : example.end_line - 1] = [text]
    page.write_text("".join(lines), encoding="utf-8", newline="\n")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_examples_of_a_page_do_what_it_says(page: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    scene = Scene(tmp_path)
    wrong: list[str] = []
    changed: list[tuple[Example, str]] = []
    for example in examples(page):
        if example.kind == "copy":
            scene.copy(example)
        elif example.title:
            scene.write(example)
        elif example.kind in ("console", "sh") and not example.not_run:
            faults, right = carry_out(example, scene)
            wrong += faults
            if faults and example.kind == "console":
                changed.append((example, right))
    if request.config.getoption("--update-docs", default=False):
        rewrite(page, changed)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_examples_of_a_page_can_be_read(page: Path) -> None:
    for example in examples(page):
        if example.kind in READERS:
            READERS[example.kind](example.text)
        else:
            assert example.kind in ("console", "sh", "copy", "file", *SHOWN_ONLY), f"{example}: {example.kind}?"
        if Path(example.title).name in (".mlguard.yaml", ".mlguard.yml"):
            parse_configuration(Document(example.title, example.text))


@pytest.mark.parametrize(
    ("expected", "got", "same"),
    [
        ("one\n", "one\n", True),
        ("one\n", "two\n", False),
        ("one\n", "one\ntwo\n", False),
        ("one\n...\nfour\n", "one\ntwo\nthree\nfour\n", True),
        ("one\n...\n", "one\n", True),
        ("...\nfour\n", "one\nfive\n", False),
        ("one ... four\n", "one two three four\n", True),
        ("one ... four\n", "one two\nthree four\n", False),
        ("", "", True),
        ("", "one\n", False),
        ("1.5 (x)*\n", "1.5 (x)*\n", True),
        ("1.5\n", "115\n", False),
    ],
)
def test_output_is_compared(expected: str, got: str, *, same: bool) -> None:
    assert agrees(expected, got) is same


def test_a_page_is_taken_apart(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "Text.\n<!-- file: a b.tf\nx = 1\n\ny = 2\n-->\n\n<!-- copy: fixtures/terraform as here -->\n\n"
        '```yaml title="deep/.mlguard.yaml"\nexclude: []\n```\n\n<!-- not run: needs an account -->\n'
        "```sh\n# a comment\nmlguard scan \\\n  there\n\nmlguard scan\n```\n\n"
        "````console\n$ mlguard a \\\n> --b\none\n\n```\n$ echo $?\n1\n$ true\n````\n",
        encoding="utf-8",
    )
    hidden, copied, titled, script, session = examples(page)
    assert (hidden.kind, hidden.title, hidden.text) == ("file", "a b.tf", "x = 1\n\ny = 2\n")
    assert (copied.kind, copied.title) == ("copy", "fixtures/terraform as here")
    assert (titled.kind, titled.title, titled.not_run) == ("yaml", "deep/.mlguard.yaml", "")
    assert script.not_run == "needs an account"
    assert [one.text for one in commands(script)] == ["mlguard scan   there", "mlguard scan"]
    assert [(one.text, one.expected) for one in commands(session)] == [
        ("mlguard a --b", "one\n\n```\n"),
        ("echo $?", "1\n"),
        ("true", ""),
    ]


TITLED = [one for page in PAGES for one in examples(page) if one.title and one.kind == "yaml"]


def written_to(folder: Path, name: str) -> list[str]:
    """Write the examples whose title has a name into folders of their own, as repositories that they could stand in."""
    made = []
    for number, example in enumerate(TITLED):
        if Path(example.title).name == name or name in example.title:
            path = folder / f"{number}" / example.title
            path.parent.mkdir(parents=True)
            pinned = example.text.replace("OWNER/mlguard@COMMIT", f"OWNER/mlguard@{'0' * 40} # v1")
            path.write_text(pinned, encoding="utf-8")
            made.append(str(path))
    assert made
    return made


def test_the_workflows_shown_pass_the_linters(lint_workflows: Callable[[Path], str], tmp_path: Path) -> None:
    for path in written_to(tmp_path, ".github/workflows/"):
        assert lint_workflows(Path(path).parents[2]) == "", path


def test_the_hooks_shown_are_accepted(tmp_path: Path) -> None:
    files = written_to(tmp_path, ".pre-commit-config.yaml")
    command = [sys.executable, "-m", "pre_commit", "validate-config", *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_pipelines_shown_are_accepted(tmp_path: Path) -> None:
    files = written_to(tmp_path, ".gitlab-ci.yml")
    schema = ["--builtin-schema=vendor.gitlab-ci", "--data-transform=gitlab-ci"]
    command = [sys.executable, "-m", "check_jsonschema", *schema, *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_pipeline_for_merge_requests_runs(tmp_path: Path) -> None:
    (shown,) = (one for one in TITLED if one.title == ".gitlab-ci.yml")
    command = yaml.safe_load(shown.text)["mlguard"]["script"][-1].replace("/tmp/mlguard/bin/", "")  # noqa: S108
    bucket = 'resource "aws_s3_bucket" "%s" {\n  bucket = "training-data"\n}\n'
    scene = Scene(tmp_path)
    (scene.folder / "main.tf").write_text(bucket % "known", encoding="utf-8")
    for line in ("git init --quiet", "git add --all", "git commit --quiet --message=Base"):
        assert scene.run(line) == ""
    scene.environment["CI_MERGE_REQUEST_DIFF_BASE_SHA"] = scene.run("git rev-parse HEAD").strip()
    assert "1 existing" in scene.run(command)
    assert scene.code == 0
    (scene.folder / "more.tf").write_text(bucket % "new", encoding="utf-8")
    assert "more.tf:1:1" in scene.run(command)
    assert scene.code == 1
    quality = json.loads((scene.folder / "mlguard-code-quality.json").read_text(encoding="utf-8"))
    assert "more.tf" in {one["location"]["path"] for one in quality}
    assert "more.tf" in (scene.folder / "mlguard-junit.xml").read_text(encoding="utf-8")
