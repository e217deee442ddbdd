"""What an expression is worth: nodes with plain content, sets, and how unknown values spread.

Values that the evaluator gives never hold a `Choice`: they were found out in one scenario.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from mlguard.record import record
from mlguard.source import Span
from mlguard.value import Content, Entries, Items, Node, Reference, Unknown, text_of

MAX_TEXT = 1_000_000
MAX_ITEMS = 10_000
MAX_WEIGHT = 100_000
_MAX_DEPTH = 60

Plain = str | int | float | bool | Sequence["Plain"] | Mapping[str, "Plain"] | None


class FailureError(Exception):
    """Terraform would refuse the expression, or it goes beyond a limit; the message says why."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@record()
class SetItems(Items):
    """A set: its items have no index, and a `for` gives each as its own key."""


def unknown(content: Content) -> Unknown | None:
    """Give the reason why a value is not known, None when it is (its items may still be unknown)."""
    if isinstance(content, Unknown):
        return content
    if isinstance(content, Reference):
        name = f"{content.address}.{content.attribute}" if content.attribute else content.address
        return Unknown(f"{name} is known at deployment", references=(content,))
    return None


def hidden(nodes: Iterable[Node], pattern: str = "*") -> Unknown:
    """Merge the reasons of several values, some of them unknown, into one; the first reason is the one told."""
    because = ""
    references: dict[Reference, None] = {}
    for reason in _reasons(nodes):
        because = because or reason.because
        references.update(dict.fromkeys(reason.references))
    return Unknown(because or "it is known at deployment", pattern, tuple(references))


def _reasons(nodes: Iterable[Node]) -> Iterable[Unknown]:
    waiting, seen = list(nodes), 0
    while waiting and seen < MAX_WEIGHT:
        node = waiting.pop(0) if len(waiting) < MAX_ITEMS else waiting.pop()
        seen += 1
        reason = unknown(node.content)
        if reason is not None:
            yield reason
        elif isinstance(node.content, Entries | Items):
            if node.content.rest is not None:
                yield node.content.rest
            waiting.extend(_below(node.content))


def _below(content: Content) -> Iterable[Node]:
    if isinstance(content, Entries):
        return content.nodes.values()
    return content.nodes if isinstance(content, Items) else ()


def is_known(node: Node) -> bool:
    """Tell whether a value is known to its last item."""
    waiting, seen = [node], 0
    while waiting:
        content = waiting.pop().content
        seen += 1
        if seen > MAX_WEIGHT:
            return False
        if isinstance(content, Unknown | Reference):
            return False
        if isinstance(content, Entries | Items):
            if content.rest is not None:
                return False
            waiting.extend(_below(content))
    return True


def check_weight(node: Node) -> Node:
    """Refuse a value that grew beyond a limit: FailureError."""
    waiting, seen = [node], 0
    while waiting:
        below = _below(waiting.pop().content)
        seen += 1
        if seen > MAX_WEIGHT:
            raise FailureError(f"the value has more than {MAX_WEIGHT:,} parts")
        waiting.extend(below)
    return node


def plain(node: Node, depth: int = 0) -> Plain:
    """Give a known value as Python's own; FailureError where part of it is unknown."""
    content = node.content
    if depth > _MAX_DEPTH:
        raise FailureError(f"the value is nested more than {_MAX_DEPTH} levels deep")
    if isinstance(content, Entries):
        return {key: plain(below, depth + 1) for key, below in content.nodes.items()}
    if isinstance(content, Items):
        return [plain(below, depth + 1) for below in content.nodes]
    if content is None or isinstance(content, str | int | float | bool):
        return content
    raise FailureError("part of the value is unknown")


def wrapped(value: object, span: Span, depth: int = 0) -> Node:
    """Give a Python value as a node; every part of it stands at `span`."""
    if depth > _MAX_DEPTH:
        raise FailureError(f"the value is nested more than {_MAX_DEPTH} levels deep")
    if isinstance(value, Node):
        return value
    if isinstance(value, Mapping):
        return Node(Entries({str(key): wrapped(below, span, depth + 1) for key, below in value.items()}), span)
    if isinstance(value, list | tuple):
        if len(value) > MAX_WEIGHT:
            raise FailureError(f"a list of more than {MAX_WEIGHT:,} items")
        return Node(Items(tuple(wrapped(below, span, depth + 1) for below in value)), span)
    if isinstance(value, str) and len(value) > MAX_TEXT:
        raise FailureError(f"a text of more than {MAX_TEXT:,} characters")
    if isinstance(value, float) and not math.isfinite(value):
        raise FailureError("the number is too large")
    if value is None or isinstance(value, str | int | float | bool):
        return Node(value, span)
    raise FailureError(f"a value of the kind {type(value).__name__}")


def text(content: Content) -> str:
    """Give a known scalar as text; FailureError for null and collections."""
    found = text_of(content)
    if found is None:
        raise FailureError("a text was expected")
    return found


def number(value: object) -> int | float:
    """Give a known scalar as a number; FailureError when it is none."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and len(value) < MAX_ITEMS:
        try:
            return tidy(float(value)) if any(sign in value for sign in ".eE") else int(value)
        except (ValueError, OverflowError):
            pass
    raise FailureError("a number was expected")


def tidy(value: float) -> int | float:
    """Give a whole number as an int."""
    if not math.isfinite(value):
        raise FailureError("the number is too large")
    return int(value) if value.is_integer() and abs(value) < 1e15 else value  # noqa: PLR2004  (floats are exact below)


def boolean(content: object) -> bool:
    """Give a known scalar as a truth value; FailureError when it is none."""
    if content is True or content == "true":
        return True
    if content is False or content == "false":
        return False
    raise FailureError("true or false was expected")


def pattern_of(content: Content) -> str | None:
    """Give a value as a piece of a text: itself, or with `*` where it is unknown; None for null and collections."""
    if isinstance(content, Unknown):
        return content.pattern
    return "*" if isinstance(content, Reference) else text_of(content)


def equal(left: Node, right: Node) -> bool | None:  # noqa: PLR0911  (one answer for each pair of kinds)
    """Compare two values as `==` does; None when that is not known."""
    one, other = left.content, right.content
    if one is None or other is None:
        return _null_equal(one if other is None else other, both=one is other)
    if isinstance(one, Reference) and one == other:
        return True
    if unknown(one) or unknown(other):
        return _patterns_apart(one, other)
    if isinstance(one, Items) and isinstance(other, Items):
        if one.rest is None and other.rest is None and len(one.nodes) != len(other.nodes):
            return False
    elif isinstance(one, Entries) and isinstance(other, Entries):
        if one.rest is None and other.rest is None and one.nodes.keys() != other.nodes.keys():
            return False
    elif isinstance(one, bool) or isinstance(other, bool):
        return one is other
    elif isinstance(one, Items | Entries) or isinstance(other, Items | Entries):
        return False
    else:
        return isinstance(one, str) == isinstance(other, str) and one == other
    return plain(left) == plain(right) if is_known(left) and is_known(right) else None


def _null_equal(other: Content, *, both: bool) -> bool | None:
    return True if both else None if unknown(other) else False


def _patterns_apart(one: Content, other: Content) -> bool | None:
    """Tell that a partly known text differs from a text by its beginning; None otherwise."""
    first, second = pattern_of(one), pattern_of(other)
    if isinstance(one, Unknown) and isinstance(other, str) and first is not None:
        start = first.split("*", 1)[0]
        return None if other.startswith(start) else False
    if isinstance(other, Unknown) and isinstance(one, str) and second is not None:
        start = second.split("*", 1)[0]
        return None if one.startswith(start) else False
    return None


def unchanged_no_more(node: Node) -> Node:
    """Say that a value is no longer exactly that of a variable; where it came from stays."""
    if not any(origin.parameter for origin in node.origins):
        return node
    return replace(node, origins=tuple(replace(origin, parameter=None) for origin in node.origins))


def is_scalar(content: Content) -> bool:
    """Tell whether a value is a known text, number or truth value."""
    return isinstance(content, str | int | float | bool)
