"""The targets stand in a module beside the tests, which are no package."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[[str, str], None]


@pytest.fixture(scope="session")
def targets() -> Any:  # noqa: ANN401  (a module that is loaded here)
    """Give the targets by their names."""
    spec = importlib.util.spec_from_file_location("targets", Path(__file__).with_name("targets.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["targets"] = module
    spec.loader.exec_module(module)
    return module.TARGETS


@pytest.fixture(scope="session")
def run(targets: Any, tmp_path_factory: pytest.TempPathFactory) -> Run:  # noqa: ANN401  (as above)
    """Run an input of a target; what must hold for every input is looked at there."""
    folders: dict[str, Path] = {}

    def once(name: str, text: str) -> None:
        if name not in folders:
            folders[name] = tmp_path_factory.mktemp(name)
            targets[name].prepare(folders[name])
        targets[name](folders[name], text.encode("utf-8", "surrogatepass"))

    return once
