"""The intrinsic functions over lists: `Fn::Select`, `Fn::Split`, `Fn::Length`."""

from __future__ import annotations

from dataclasses import replace

from mlguard.parse.cloudformation.evaluator import Evaluator
from mlguard.parse.cloudformation.expressions import arguments
from mlguard.scenario import Scenario
from mlguard.value import Items, Node, Unknown, settle, text_of


def select(evaluator: Evaluator, argument: Node, node: Node, scenario: Scenario) -> Node:
    """`Fn::Select`."""
    parts = arguments(argument)
    if len(parts) == 2:  # noqa: PLR2004  (index, list)
        index = text_of(evaluator.value(parts[0], scenario).content)
        values = evaluator.value(parts[1], scenario).content
        if isinstance(values, Unknown):
            return replace(node, content=values)
        if index is not None and index.isdigit() and isinstance(values, Items) and int(index) < len(values.nodes):
            chosen = settle(values.nodes[int(index)], scenario)
            return Node(chosen.content, node.span, node.key_span, chosen.origins)
    return replace(node, content=Unknown("Fn::Select has nothing to select from"))


def split(evaluator: Evaluator, argument: Node, node: Node, scenario: Scenario) -> Node:
    """`Fn::Split`."""
    parts = arguments(argument)
    if len(parts) == 2:  # noqa: PLR2004  (delimiter, text)
        delimiter = parts[0].content
        text = evaluator.value(parts[1], scenario).content
        if isinstance(text, Unknown):
            return replace(node, content=text)
        if isinstance(text, str) and isinstance(delimiter, str) and delimiter:
            return replace(node, content=Items(tuple(replace(node, content=part) for part in text.split(delimiter))))
    return replace(node, content=Unknown("Fn::Split of something that is not a text"))


def length(evaluator: Evaluator, argument: Node, node: Node, scenario: Scenario) -> Node:
    """`Fn::Length`."""
    values = evaluator.value(argument, scenario).content
    if isinstance(values, Items) and values.rest is None:
        return replace(node, content=len(values.nodes))
    return replace(node, content=Unknown("Fn::Length of an unknown list"))
