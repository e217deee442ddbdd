"""The effective configuration of a path, as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence

from mlguard.configuration.explanation import Explanation, Origin, Setting
from mlguard.render.escape import terminal
from mlguard.source import Span

_WIDEST = 60


def explanation_as_text(explanation: Explanation, *, everything: bool = False) -> str:
    """Write tables of what counts; parameters at their defaults are only counted unless everything is asked for."""
    files = explanation.files
    by = f"is configured by {', '.join(files)}" if files else "is configured by no file"
    lines = [terminal(f"{explanation.path or '.'} {by}"), ""]
    lines += _table("setting", explanation.settings)
    environment = explanation.environment
    unless = "" if explanation.settled else ", unless a stack, a workspace, a tag or a name tells another one"
    lines += ["", terminal(f"The environment is {environment.value} ({_said(environment.origin)}){unless}.", 0)]
    if explanation.environments:
        lines += ["", *_table("environment", explanation.environments)]
    shown = [one for one in explanation.parameters if everything or one.origin != "default"]
    if shown:
        lines += ["", *_table("parameter", shown)]
    left = len(explanation.parameters) - len(shown)
    if left:
        lines += ["", f"{left} {'more ' if shown else ''}parameters have their defaults; --all shows them."]
    return "\n".join(lines) + "\n"


def _table(title: str, settings: Sequence[Setting]) -> Iterator[str]:
    rows = [(title, "value", "from"), *((one.name, _value(one.value), _said(one.origin)) for one in settings)]
    first = max(len(row[0]) for row in rows)
    second = min(max(len(row[1]) for row in rows), _WIDEST)
    for row in rows:
        yield terminal(f"{row[0]:{first}}  {row[1]:{second}}  {row[2]}", 0).rstrip()


def _value(value: object) -> str:
    if isinstance(value, tuple | list):
        return ", ".join(str(item) for item in value) or "-"
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=True)
    return str(value) if value not in ("", None) else "-"


def _said(origin: Origin) -> str:
    return f"{origin.path}:{origin.line}" if isinstance(origin, Span) else origin


def explanation_as_json(explanation: Explanation) -> str:
    """Write everything as JSON; where a value comes from is `default`, `command line`, or a path and a line."""
    content = {
        "version": 1,
        "path": explanation.path or ".",
        "files": list(explanation.files),
        "environment": {**_entry(explanation.environment), "settled": explanation.settled},
        "settings": _entries(explanation.settings),
        "environments": _entries(explanation.environments),
        "parameters": _entries(explanation.parameters),
    }
    return json.dumps(content, indent=2, ensure_ascii=True) + "\n"


def _entries(settings: Iterable[Setting]) -> dict[str, object]:
    return {one.name: _entry(one) for one in settings}


def _entry(setting: Setting) -> dict[str, object]:
    origin = setting.origin
    place = {"path": origin.path, "line": origin.line} if isinstance(origin, Span) else origin
    return {"value": setting.value, "from": place}
