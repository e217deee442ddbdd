"""The floors of the project hold: imports point downwards only, and modules and functions stay small."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
CHECKER = TOP / "checker" / "mlguard"
MODULE_LINES = 520
FUNCTION_LINES = 60


def modules() -> list[Path]:
    return sorted(CHECKER.rglob("*.py"))


def named(path: Path) -> str:
    return path.relative_to(CHECKER).as_posix()


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Give each function with its number of lines, decorators and docstring included."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None:
            first = min((one.lineno for one in node.decorator_list), default=node.lineno)
            yield node.name, node.end_lineno - first + 1


def test_imports_point_downwards() -> None:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    run = subprocess.run([*command, "--no-cache"], cwd=TOP, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "2 kept, 0 broken" in run.stdout


def test_there_are_modules_to_measure() -> None:
    assert CHECKER / "scan" / "__init__.py" in modules()


@pytest.mark.parametrize("path", modules(), ids=named)
def test_a_module_fits_its_budget(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MODULE_LINES


@pytest.mark.parametrize("path", modules(), ids=named)
def test_functions_fit_their_budget(path: Path) -> None:
    assert [f"{name}: {lines} lines" for name, lines in functions(path) if lines > FUNCTION_LINES] == []


def test_the_page_about_the_architecture_shows_the_floors() -> None:
    layers = tomllib.loads((TOP / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"][0][
        "layers"
    ]
    floors = {name: len(layers) - level for level, layer in enumerate(layers) for name in layer.split(" | ")}
    page = (TOP / "docs" / "architecture.md").read_text("utf-8")
    rows = re.findall(r"(?m)^\| (\d+) \| ([^|]+) \|", page)
    assert {name: int(floor) for floor, names in rows for name in re.findall(r"`(\w+)`", names)} == floors
