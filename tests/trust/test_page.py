"""The page on changes, suppressions and trust: its examples are run in their order, and end as it says."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from mlguard.cli import main

Scratch = Any
"""What `scratch` of this folder's conftest gives."""
PAGE = (Path(__file__).parents[2] / "docs" / "suppressions-and-trust.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(hcl|console|json)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def run(line: str, scratch: Scratch) -> int:
    words = shlex.split(line)
    if words[0] == "git":
        scratch.git("add", "--all")
        scratch.git(*words[1:])
        scratch.git("switch", "--quiet", "-C", "topic")
        return 0
    return main([*words[1:], *(["--no-progress"] if words[1] == "scan" else [])])


def test_the_examples_do_what_the_page_says(scratch: Scratch, capsys: pytest.CaptureFixture[str]) -> None:
    shown = ""
    for language, text in BLOCK.findall(PAGE):
        if language == "hcl":
            name = text.split("\n")[0].removeprefix("# ")
            scratch.write({name: text})
        elif language == "json":
            assert text.strip() in (scratch.folder / ".mlguard.baseline.json").read_text(encoding="utf-8")
        else:
            for command, code in re.findall(r"^\$ (.*)\n(\d?)", text, re.MULTILINE):
                assert run(command, scratch) == int(code or 0), command
                shown += capsys.readouterr().out
    for part in (
        "= change: new",
        "is older than this change",
        "by: not committed yet",
        "benchmark agreed with finance",
    ):
        assert part in shown
