"""Reports as text: one module for each output format, imported only when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import cast

from mlguard.errors import UsageError

Render = Callable[..., str]
"""`render(report, **options) -> str`; every option has a default, and text, SARIF and Markdown name theirs."""

FORMATS: Mapping[str, str] = {
    "text": "mlguard.render.text",
    "json": "mlguard.render.json_report",
    "sarif": "mlguard.render.sarif",
    "github": "mlguard.render.github",
    "markdown": "mlguard.render.markdown",
    "junit": "mlguard.render.junit",
    "gitlab": "mlguard.render.gitlab",
    "csv": "mlguard.render.csv_table",
    "html": "mlguard.render.html_report",
}
"""The module of each output format, by the name that the command line gives it."""


def renderer(name: str) -> Render:
    """Give the `render` function of an output format; UsageError when there is no such format."""
    module = FORMATS.get(name)
    if module is None:
        raise UsageError(f'there is no output format "{name}": choose one of {", ".join(FORMATS)}')
    return cast("Render", import_module(module).render)
