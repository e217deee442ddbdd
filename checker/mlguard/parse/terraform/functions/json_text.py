"""JSON as Terraform writes it."""

from __future__ import annotations

import json

from mlguard.parse.terraform.failure import NotEvaluatedError
from mlguard.parse.terraform.precision import written
from mlguard.parse.terraform.values import MAX_DEPTH, bounded_text
from mlguard.value import Entries, Items, Node, Reference, Unknown

PLACEHOLDER = "\ue000"
"""Stands, in the JSON of a partly known value, where a whole part is unknown."""
_ESCAPED = {character: f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}


def json_text(node: Node) -> str:
    """Write a value: keys sorted, no blanks, `<`, `>` and `&` escaped."""
    pieces: list[str] = []
    _write(node, pieces, 0)
    return bounded_text("".join(pieces))


def _text(value: str) -> str:
    shown = json.dumps(value, ensure_ascii=False)
    return "".join(_ESCAPED.get(character, character) for character in shown)


def _write(node: Node, pieces: list[str], depth: int) -> None:
    content = node.content
    if depth > MAX_DEPTH:
        raise NotEvaluatedError(f"the value is nested more than {MAX_DEPTH} levels deep")
    if isinstance(content, Entries):
        _row(
            "{",
            "}",
            [(_text(key) + ":", content.nodes[key]) for key in sorted(content.nodes)],
            content,
            (pieces, depth),
        )
    elif isinstance(content, Items):
        _row("[", "]", [("", below) for below in content.nodes], content, (pieces, depth))
    elif isinstance(content, Unknown):
        pieces.append(PLACEHOLDER if content.pattern == "*" else _text(content.pattern))
    elif isinstance(content, Reference):
        pieces.append(PLACEHOLDER)
    elif content is None or isinstance(content, bool):
        pieces.append({None: "null", True: "true", False: "false"}[content])
    else:
        pieces.append(_text(content) if isinstance(content, str) else written(content))  # type: ignore[arg-type]


def _row(
    opener: str, closer: str, parts: list[tuple[str, Node]], content: Entries | Items, into: tuple[list[str], int]
) -> None:
    """Write the parts of a collection; where there may be more, they may be anywhere between."""
    pieces, depth = into
    more = content.rest is not None
    pieces.append(opener + (PLACEHOLDER if more else ""))
    for index, (key, below) in enumerate(parts):
        pieces.append(((PLACEHOLDER if more else ",") if index else "") + key)
        _write(below, pieces, depth + 1)
    pieces.append((PLACEHOLDER if more and parts else "") + closer)
