"""What the documentation shows is what the program does."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from mlguard.cli.main import main
from mlguard.configuration import parse_configuration
from mlguard.source import Document

TOP = Path(__file__).parents[2]
PAGES = [TOP / "README.md", *sorted((TOP / "docs").glob("*.md"))]


def blocks(language: str) -> list[str]:
    found = []
    for page in PAGES:
        found += re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return found


def test_the_made_parts_of_the_readme_are_current() -> None:
    command = [sys.executable, "tests/run/readme.py", "--check"]
    ended = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, f"{ended.stderr}README.md is behind: run `python tests/run/readme.py`"


def test_the_configurations_shown_are_accepted() -> None:
    shown = [block for block in blocks("yaml") if block.startswith("# .mlguard.yaml")]
    assert shown
    for block in shown:
        parse_configuration(Document(".mlguard.yaml", block))


def test_the_options_shown_exist(capsys: pytest.CaptureFixture[str]) -> None:
    shown = [line for block in blocks("sh") for line in block.splitlines() if line.startswith("mlguard ")]
    assert shown
    for line in shown:
        words = shlex.split(line, comments=True)
        command = words[1:3] if words[1] == "scp" else words[1:2]
        with pytest.raises(SystemExit):
            main([*command, "--help"])
        offered = capsys.readouterr().out
        assert [word for word in words if word.startswith("--") and word.split("=")[0] not in offered] == [], line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_to_files_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8")):
        assert "://" in target or (page.parent / target).exists(), target
