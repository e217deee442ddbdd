from __future__ import annotations

import subprocess
import sys

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
