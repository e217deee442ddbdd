"""Write plain values as YAML, JSON and HCL."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from mlguard.patterns import lazy_pattern
from mlguard.policy.fixes import value_form
from mlguard.record import record

_PLAIN = lazy_pattern(r"[A-Za-z][A-Za-z0-9_./@-]*(?:::[A-Za-z0-9]+)*\Z")
_WORDS = frozenset(("y", "n", "yes", "no", "on", "off", "true", "false", "null"))


@record()
class Style:
    """How a YAML or JSON file is written: one step of indentation, and whether lists step in from their keys."""

    unit: str = "  "
    steps_lists: bool = True
    quoted: bool = False
    spaced: bool = True


def _as_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def flow(value: object, style: Style) -> str:
    """Write a value on one line, as JSON or in YAML's flow style."""
    if isinstance(value, Mapping):
        form = value_form(value)
        if form == "json":
            text = _as_json(value["json"])
            return _as_json(text) if style.quoted else "'" + text.replace("'", "''") + "'"
        if form == "expression":
            return json.dumps(f"${{{value['expression']}}}", ensure_ascii=False)
        colon = ": " if style.spaced else ":"
        pairs = (f"{key_text(key, style)}{colon}{flow(below, style)}" for key, below in value.items())
        return "{" + _separator(style).join(pairs) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + _separator(style).join(flow(item, style) for item in value) + "]"
    return _scalar(value, style)


def _separator(style: Style) -> str:
    return ", " if style.spaced else ","


def key_text(key: str, style: Style) -> str:
    """Write a key."""
    return json.dumps(key, ensure_ascii=False) if style.quoted else _scalar(key, style)


def _scalar(value: object, style: Style) -> str:
    if isinstance(value, str):
        plain = not style.quoted and _PLAIN.match(value) is not None and value.lower() not in _WORDS
        return value if plain else json.dumps(value, ensure_ascii=False)
    return json.dumps(value)


def block(value: Mapping[str, object], indent: str, style: Style) -> list[str]:
    """Write a mapping as lines in YAML's block style."""
    lines: list[str] = []
    for key, below in value.items():
        head = f"{indent}{key_text(key, style)}:"
        if isinstance(below, Mapping) and below and not value_form(below):
            lines += [head, *block(below, indent + style.unit, style)]
        elif isinstance(below, list) and below and any(isinstance(item, Mapping) for item in below):
            step = indent + style.unit if style.steps_lists else indent
            lines += [head, *(line for item in below for line in item_lines(item, step, style))]
        else:
            lines.append(f"{head} {flow(below, style)}")
    return lines


def item_lines(item: object, indent: str, style: Style) -> list[str]:
    """Write an item of a list as lines in YAML's block style."""
    if isinstance(item, Mapping) and item and not value_form(item):
        lines = block(item, f"{indent}  ", style)
        return [f"{indent}- {lines[0].lstrip(' ')}", *lines[1:]]
    return [f"{indent}- {flow(item, style)}"]


def json_lines(value: object, indent: str, style: Style) -> str:
    """Write a value as JSON on several lines; the first begins where it stands."""
    inner = indent + style.unit
    if isinstance(value, Mapping) and value and not value_form(value):
        pairs = [f"{inner}{key_text(key, style)}: {json_lines(below, inner, style)}" for key, below in value.items()]
        return "{\n" + ",\n".join(pairs) + f"\n{indent}}}"
    if isinstance(value, list) and value:
        return "[\n" + ",\n".join(inner + json_lines(item, inner, style) for item in value) + f"\n{indent}]"
    return flow(value, style)


def hcl(value: object, indent: str = "") -> str:
    """Write a value as an expression of Terraform; documents and long objects take several lines."""
    if isinstance(value, Mapping):
        form = value_form(value)
        if form == "json":
            return f"jsonencode({hcl(value['json'], indent)})"
        if form == "expression":
            return str(value["expression"])
        inner = f"{indent}  "
        lines = assignments([(_key(key), hcl(below, inner)) for key, below in value.items()], inner)
        return "\n".join(["{", *lines, f"{indent}}}"]) if lines else "{}"
    if isinstance(value, list):
        if len(value) == 1 and isinstance(value[0], Mapping):
            return f"[{hcl(value[0], indent)}]"
        if any(isinstance(item, Mapping) for item in value):
            inner = f"{indent}  "
            return "\n".join(["[", *(f"{inner}{hcl(item, inner)}," for item in value), f"{indent}]"])
        return "[" + ", ".join(hcl(item, indent) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def hcl_inline(value: object) -> str:
    """Write a value as an expression of Terraform on one line."""
    if isinstance(value, Mapping) and not value_form(value):
        pairs = ", ".join(f"{_key(key)} = {hcl_inline(below)}" for key, below in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    if isinstance(value, list):
        return "[" + ", ".join(map(hcl_inline, value)) + "]"
    return hcl(value)


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z_][\w-]*", key) else json.dumps(key, ensure_ascii=False)


def assignments(pairs: Sequence[tuple[str, str]], indent: str, width: int = 0) -> list[str]:
    """Write arguments as `terraform fmt` does: the signs of those on one line stand below each other."""
    single = [name for name, value in pairs if "\n" not in value]
    width = max([width, *map(len, single)])
    lines = []
    for name, value in pairs:
        pad = width if "\n" not in value else 0
        lines.append(f"{indent}{name:{pad}} = {value}" if pad else f"{indent}{name} = {value}")
    return lines


def body_lines(entries: Mapping[str, object], indent: str) -> list[str]:
    """Write the body of a block: its arguments, then its nested blocks."""
    arguments, blocks = split(entries)
    lines = assignments([(name, hcl(value, indent)) for name, value in arguments.items()], indent)
    for name, value in blocks:
        lines += block_lines(name, value, indent)
    return lines


def split(entries: Mapping[str, object]) -> tuple[dict[str, object], list[tuple[str, Mapping[str, object]]]]:
    """Tell arguments from nested blocks: a mapping, or a list of mappings, is written as blocks."""
    arguments: dict[str, object] = {}
    blocks: list[tuple[str, Mapping[str, object]]] = []
    for name, value in entries.items():
        listed = value if isinstance(value, list) else [value]
        bodies = [one for one in listed if isinstance(one, Mapping) and not value_form(one)]
        if bodies and len(bodies) == len(listed):
            blocks += [(name, one) for one in bodies]
        else:
            arguments[name] = value
    return arguments, blocks


def block_lines(name: str, entries: Mapping[str, object], indent: str) -> list[str]:
    """Write a nested block."""
    lines = body_lines(entries, f"{indent}  ")
    return [f"{indent}{name} {{", *lines, f"{indent}}}"] if lines else [f"{indent}{name} {{}}"]
