"""The cases of this folder stand in a module beside the tests, which are no package."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest


def _cases() -> list[Any]:
    name = "hostile_cases"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return list(sys.modules[name].cases())


@pytest.fixture(scope="session")
def cases() -> list[Any]:
    """Give all the cases to a test about several of them."""
    return _cases()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for `case` with each of the cases."""
    if "case" in metafunc.fixturenames:
        found = _cases()
        metafunc.parametrize("case", found, ids=[one.name for one in found])
