"""The option that rewrites what the pages show as output: `pytest tests/documentation --update-docs`."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-docs", action="store_true", help="write what commands print now into the pages")
