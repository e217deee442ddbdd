"""Scan a folder as the command line does, with and without what earlier scans kept."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from mlguard.cli.main import main

TOP = Path(__file__).parents[2]
Report = Callable[..., str]


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the folder in which scans keep what they find out."""
    folder = tmp_path / "kept"
    monkeypatch.setenv("MLGUARD_CACHE_DIR", str(folder))
    return folder


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder with projects of all formats, in which the test stands."""
    folder = tmp_path / "code"
    for name in ("terraform", "cloudformation", "cdk/py-default"):
        shutil.copytree(TOP / "fixtures" / name, folder / name)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def report(code: Path, kept: Path, capsys: pytest.CaptureFixture[str]) -> Report:
    """Give a function that scans the code, and gives the report as JSON with the exit code; it keeps what it finds."""
    assert Path.cwd() == code
    assert not kept.exists()

    def scanned(*options: str) -> str:
        ended = main(["scan", ".", "--format", "json", "--jobs", "1", *options])
        written = capsys.readouterr()
        assert not written.err
        return f"{written.out}{ended}"

    return scanned
