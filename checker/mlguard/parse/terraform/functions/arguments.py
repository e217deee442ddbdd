"""What functions of collections ask of their arguments."""

from __future__ import annotations

from collections.abc import Callable

from mlguard.parse.terraform.values import (
    MAX_ITEMS,
    FailureError,
    hidden,
    unknown,
)
from mlguard.source import Span
from mlguard.value import Content, Entries, Items, Node

Function = Callable[[list[Node], Span], Content | Node]


def list_of(node: Node) -> Items:
    """Give a list or a set; FailureError for anything else."""
    if not isinstance(node.content, Items):
        raise FailureError("a list was expected")
    return node.content


def map_of(node: Node) -> Entries:
    """Give a map, null as an empty one; FailureError for anything else."""
    if node.content is None:
        return Entries({})
    if not isinstance(node.content, Entries):
        raise FailureError("a map was expected")
    return node.content


def known_arguments(function: Function) -> Function:
    """Give Unknown where an argument itself is unknown; its items may be."""

    def guarded(arguments: list[Node], span: Span) -> Content | Node:
        if any(unknown(argument.content) for argument in arguments):
            return hidden(arguments)
        return function(arguments, span)

    return guarded


def whole_arguments(function: Function) -> Function:
    """Give Unknown where an argument or any number of items in it is unknown; each item may be."""

    def guarded(arguments: list[Node], span: Span) -> Content | Node:
        for argument in arguments:
            content = argument.content
            if unknown(content) or (isinstance(content, Items | Entries) and content.rest is not None):
                return hidden(arguments)
        return function(arguments, span)

    return guarded


def bounded(nodes: list[Node]) -> tuple[Node, ...]:
    """Refuse a list beyond the limit: FailureError."""
    if len(nodes) > MAX_ITEMS:
        raise FailureError(f"a list of more than {MAX_ITEMS:,} items")
    return tuple(nodes)
