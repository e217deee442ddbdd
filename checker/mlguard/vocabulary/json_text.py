"""Read JSON that a property holds as text: every value of it stands where the text does."""

from __future__ import annotations

import json

from mlguard.value import Entries, Items, Node, Unknown, text_of

_MAX_TEXT = 100_000
_MAX_DEPTH = 60


def json_nodes(node: Node | None) -> Node | None:
    """Give a JSON text as nodes, and nodes as they are; None where it is not known or no JSON."""
    if node is None or isinstance(node.content, Entries):
        return node
    partly = node.content if isinstance(node.content, Unknown) else None
    text = partly.pattern if partly is not None else text_of(node.content)
    if text is None or len(text) > _MAX_TEXT:
        return None
    try:
        return _nodes(json.loads(text), node, partly, 0)
    except (ValueError, RecursionError):
        return None


def _nodes(value: object, at: Node, partly: Unknown | None, depth: int) -> Node:
    def placed(content: object) -> Node:
        return Node(content, at.span, at.key_span, at.origins)  # type: ignore[arg-type]

    if depth > _MAX_DEPTH:
        return placed(Unknown(f"nested deeper than {_MAX_DEPTH} levels"))
    if isinstance(value, dict):
        return placed(Entries({key: _nodes(below, at, partly, depth + 1) for key, below in value.items()}))
    if isinstance(value, list):
        return placed(Items(tuple(_nodes(below, at, partly, depth + 1) for below in value)))
    if isinstance(value, str) and partly is not None and "*" in value:
        return placed(Unknown(partly.because, value))
    return placed(value)
