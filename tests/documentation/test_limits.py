"""The page about limits tells those of the code."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "limits.md").read_text("utf-8")
TOLD = re.findall(r"(?m)^\| [^|]+ \| ([\d,]+) \| `([\w.]+)\.(\w+)` \|$", PAGE)
TOLD += re.findall(r"([\d,]+) (?:characters|bytes) \(`([\w.]+)\.(\w+)`\)", PAGE)


@pytest.mark.parametrize(("number", "module", "name"), TOLD)
def test_a_limit_is_as_it_is_told(number: str, module: str, name: str) -> None:
    assert getattr(import_module(f"mlguard.{module}"), name) == int(number.replace(",", ""))


def test_all_lines_were_read() -> None:
    assert len(TOLD) == len(re.findall(r"`\w+\.", PAGE))
