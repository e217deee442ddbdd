"""What docs/fixes.md shows is what `mlguard scan --diff` prints."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mlguard.cli import main
from mlguard.policy.load import parse_policy
from mlguard.source import Document

TOP = Path(__file__).parents[2]
PAGE = (TOP / "docs" / "fixes.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def test_the_diff_on_the_page_is_what_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".git").mkdir()
    (tmp_path / "main.tf").write_text(block("hcl"), encoding="utf-8")
    assert main(["scan", "--diff", "--no-progress"]) == 1
    assert capfd.readouterr().out == block("diff")


def test_the_fix_on_the_page_is_one() -> None:
    policy = (TOP / "policies" / "logs" / "log-group-without-retention.yaml").read_text(encoding="utf-8")
    without = re.sub(r"(?ms)^fix:.*?(?=^[a-z_]+:)", "", policy)
    read = parse_policy(Document("x.yaml", without + block("yaml")))
    assert len(read.fixes) == 1
    assert set(read.fixes[0].recipes) == {"cloudformation", "terraform"}
