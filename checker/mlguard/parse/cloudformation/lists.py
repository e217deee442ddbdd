"""The intrinsic functions over lists: `Fn::Select`, `Fn::Split`, `Fn::Length`."""

from __future__ import annotations

from mlguard.parse.cloudformation.evaluator import Evaluator
from mlguard.parse.cloudformation.expressions import arguments, because
from mlguard.record import replace
from mlguard.scenario import Scenario
from mlguard.value import Content, Items, Node, Reference, Unknown, settle, text_of


def select(evaluator: Evaluator, argument: Node, node: Node, scenario: Scenario) -> Node:
    """`Fn::Select`."""
    parts = arguments(argument)
    if len(parts) != 2:  # noqa: PLR2004  (index, list)
        return replace(node, content=Unknown("Fn::Select needs an index and a list"))
    chosen = evaluator.value(parts[0], scenario).content
    index = text_of(chosen)
    values = evaluator.value(parts[1], scenario).content
    if not isinstance(values, Items):
        return replace(node, content=_hidden(values, "Fn::Select of something that is not a list"))
    if index is None:
        return replace(node, content=_hidden(chosen, "the index of Fn::Select is not known"))
    if index.isascii() and index.isdigit() and len(index) <= 6 and int(index) < len(values.nodes):  # noqa: PLR2004
        found = settle(values.nodes[int(index)], scenario)
        return Node(found.content, node.span, node.key_span, found.origins)
    why = f"Fn::Select: the list has {len(values.nodes)} items and no number {index[:20]}"
    return replace(node, content=values.rest or Unknown(why))


def split(evaluator: Evaluator, argument: Node, node: Node, scenario: Scenario) -> Node:
    """`Fn::Split`; of a text that is known in parts, the pieces before the first unknown one are known."""
    parts = arguments(argument)
    delimiter = parts[0].content if len(parts) == 2 else None  # noqa: PLR2004  (delimiter, text)
    if not isinstance(delimiter, str) or not delimiter:
        return replace(node, content=Unknown("Fn::Split needs a delimiter and a text"))
    settled = evaluator.value(parts[1], scenario)
    text = text_of(settled.content)
    if text is None:
        unknown = _hidden(settled.content, "Fn::Split of something that is not a text")
        known = unknown.pattern.partition("*")[0].split(delimiter)[:-1] if "*" not in delimiter else []
        if not known:
            return replace(node, content=unknown)
        items = tuple(replace(node, content=piece) for piece in known)
        return replace(node, content=Items(items, Unknown(unknown.because, "*", unknown.references)))
    pieces = (Node(piece, node.span, node.key_span, settled.origins) for piece in text.split(delimiter))
    return replace(node, content=Items(tuple(pieces)))


def length(evaluator: Evaluator, argument: Node, node: Node, scenario: Scenario) -> Node:
    """`Fn::Length`."""
    values = evaluator.value(argument, scenario).content
    if isinstance(values, Items) and values.rest is None:
        return replace(node, content=len(values.nodes))
    hidden = values.rest if isinstance(values, Items) and values.rest is not None else values
    return replace(node, content=Unknown(because(hidden, "Fn::Length of something that is not a list")))


def _hidden(content: Content, otherwise: str) -> Unknown:
    if isinstance(content, Unknown):
        return content
    if isinstance(content, Reference):
        return Unknown(f"{content.address} decides it", references=(content,))
    return Unknown(otherwise)
