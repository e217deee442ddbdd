from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable

import pytest

from mlguard.errors import UsageError
from mlguard.finding import Report
from mlguard.render import FORMATS, renderer


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_renders(name: str, full_report: Report) -> None:
    text = renderer(name)(full_report)
    assert text.endswith("\n")
    assert text == renderer(name)(full_report)


def test_unknown_format_names_the_known_ones() -> None:
    with pytest.raises(UsageError, match="choose one of text, json, sarif, github, markdown, junit, gitlab, csv, html"):
        renderer("yaml")


def test_a_format_is_imported_when_it_is_asked_for() -> None:
    code = (
        "import sys, mlguard.render as r; r.renderer('text'); "
        "print(sorted(set(sys.modules) & {'json', 'mlguard.render.sarif', 'mlguard.render.text', 'jsonschema'}))"
    )
    result = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert result.stdout == "['mlguard.render.text']\n"


# What no output may hold as it is: control characters but the line ends and the spaces of our own, bidirectional
# marks, line separators, halves of surrogate pairs.
UNSAFE = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)


@pytest.mark.parametrize("name", FORMATS)
def test_hostile_text_is_harmless_in_every_format(
    name: str, make_hostile_report: Callable[[str], Report], hostile: str
) -> None:
    text = renderer(name)(make_hostile_report(hostile))
    assert not UNSAFE.search(text)
    assert "\r" not in text.replace("\r\n", "")
    lines = text.split("\n")
    commands = [line for line in lines if line.lstrip().startswith(("::", "##"))]
    if name == "github":
        assert all(line.startswith(("::error ", "::warning ")) for line in commands)
    elif name == "markdown":  # whose headings begin so
        assert all(line.startswith(("## mlguard: ", "### ")) for line in commands)
    else:
        assert commands == []
    if name == "text":
        assert not re.search(r"##[a-z]*\[", text)


@pytest.mark.parametrize("name", FORMATS)
def test_a_compared_run_renders_in_every_format(name: str, compared_report: Report) -> None:
    text = renderer(name)(compared_report)
    assert text == renderer(name)(compared_report)
    assert "this change adds an ignore" in text or name in ("junit", "gitlab", "csv")
