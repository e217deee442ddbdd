"""What an expression is worth: nodes with plain content, typed collections, and how unknown values spread.

A plain `Items` is a tuple of Terraform's, a plain `Entries` an object; lists, sets and maps have classes of their own.
Values that the evaluator gives never hold a `Choice`: they were found out in one scenario.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence

from mlguard.parse.terraform.failure import FailureError, NotEvaluatedError
from mlguard.parse.terraform.precision import Real, exact, parsed, rounded, written
from mlguard.parse.terraform.type_system import Collection, Object, Tuple, Type
from mlguard.record import record, replace
from mlguard.source import Span
from mlguard.value import Content, Entries, Items, Node, Reference, Unknown, text_of

MAX_TEXT = 1_000_000
MAX_ITEMS = 10_000
MAX_WEIGHT = 100_000
MAX_DEPTH = 60
FREE_PARTS = 20
"""Looking at so many parts of a value costs a step of evaluation."""
NOWHERE = Span("", 1, 1, 1, 1)
"""The place of a value that never reaches anybody."""

Plain = str | int | float | bool | Sequence["Plain"] | Mapping[str, "Plain"] | None


@record()
class ListItems(Items):
    """A list: its items have one type."""

    element: Type = "any"


@record()
class SetItems(Items):
    """A set: its items have one type, an order of their own and no index; a `for` gives each as its own key."""

    element: Type = "any"


@record()
class MapEntries(Entries):
    """A map: its items have one type."""

    element: Type = "any"


@record()
class Null(Node):
    """A null that was converted to a type; any other null has no type of its own."""

    kind: Type = "any"


def type_of(node: Node) -> Type:
    """Give the type of a value, with `any` where it is null or not known."""
    content = node.content
    if isinstance(content, bool):
        return "bool"
    if isinstance(content, str):
        return "string"
    if isinstance(content, int | float):
        return "number"
    if isinstance(content, MapEntries):
        return Collection("map", content.element)
    if isinstance(content, Entries):
        return Object({name: type_of(below) for name, below in content.nodes.items()})
    if isinstance(content, ListItems | SetItems):
        return Collection("list" if isinstance(content, ListItems) else "set", content.element)
    if isinstance(content, Items):
        return Tuple(tuple(type_of(below) for below in content.nodes))
    return node.kind if content is None and isinstance(node, Null) else "any"


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


def weight(node: Node) -> int:
    """Count the parts of a value; NotEvaluatedError where it grew beyond a limit."""
    waiting, seen = [node], 0
    while waiting:
        below = _below(waiting.pop().content)
        seen += 1
        if seen > MAX_WEIGHT:
            raise NotEvaluatedError(f"the value has more than {MAX_WEIGHT:,} parts")
        waiting.extend(below)
    return seen


def check_weight(node: Node) -> Node:
    """Give a value back; NotEvaluatedError where it grew beyond a limit."""
    weight(node)
    return node


def plain(node: Node, depth: int = 0) -> Plain:
    """Give a known value as Python's own; NotEvaluatedError where part of it is unknown."""
    content = node.content
    if depth > MAX_DEPTH:
        raise NotEvaluatedError(f"the value is nested more than {MAX_DEPTH} levels deep")
    if isinstance(content, Entries):
        return {key: plain(below, depth + 1) for key, below in content.nodes.items()}
    if isinstance(content, Items):
        return [plain(below, depth + 1) for below in content.nodes]
    if content is None or isinstance(content, str | int | float | bool):
        return content
    raise NotEvaluatedError("part of the value is unknown")


def wrapped(value: object, span: Span, depth: int = 0) -> Node:
    """Give a Python value as a node; every part of it stands at `span`."""
    if depth > MAX_DEPTH:
        raise NotEvaluatedError(f"the value is nested more than {MAX_DEPTH} levels deep")
    if isinstance(value, Node):
        return value
    if isinstance(value, Mapping):
        return Node(Entries({normal(str(key)): wrapped(below, span, depth + 1) for key, below in value.items()}), span)
    if isinstance(value, list | tuple):
        if len(value) > MAX_WEIGHT:
            raise NotEvaluatedError(f"a list of more than {MAX_WEIGHT:,} items")
        return Node(Items(tuple(wrapped(below, span, depth + 1) for below in value)), span)
    if isinstance(value, str):
        return Node(normal(bounded_text(value)), span)
    if isinstance(value, bool | Real) or value is None:
        return Node(value, span)
    if isinstance(value, int):
        return Node(rounded(value), span)
    raise NotEvaluatedError(f"a value of the kind {type(value).__name__}")


def bounded_text(value: str) -> str:
    """Refuse a text beyond the limit: NotEvaluatedError."""
    if len(value) > MAX_TEXT:
        raise NotEvaluatedError(f"a text of more than {MAX_TEXT:,} characters")
    return value


def normal(value: str) -> str:
    """Give a text in the one form that Terraform keeps of texts which look the same."""
    return value if value.isascii() else unicodedata.normalize("NFC", value)


def text(content: Content) -> str:
    """Give a known scalar as text; FailureError for null and collections."""
    if isinstance(content, str):
        return content
    if isinstance(content, int | float) and not isinstance(content, bool):
        return written(content)
    found = text_of(content)
    if found is None:
        raise FailureError("a text was expected")
    return found


def number(value: object) -> int | float:
    """Give a known scalar as a number; FailureError when it is none."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if isinstance(value, str):
        return parsed(value)
    raise FailureError("a number was expected")


def whole(value: object) -> int:
    """Give a known scalar as a whole number; FailureError when it is none."""
    found = number(value)
    if not isinstance(found, int):
        raise FailureError("a whole number was expected")
    return found


def boolean(content: object) -> bool:
    """Give a known scalar as a truth value; FailureError when it is none."""
    if content is True or content in ("true", "1"):
        return True
    if content is False or content in ("false", "0"):
        return False
    raise FailureError("true or false was expected")


def pattern_of(content: Content) -> str | None:
    """Give a value as a piece of a text: itself, or with `*` where it is unknown; None for null and collections."""
    if isinstance(content, Unknown):
        return content.pattern
    if isinstance(content, Reference):
        return "*"
    return text(content) if is_scalar(content) else None


def equal(left: Node, right: Node) -> bool | None:
    """Compare two values as `==` does: values of different types are never equal. None when that is not known."""
    one, other = left.content, right.content
    if one is None or other is None:
        return _null_equal(one if other is None else other, both=one is other)
    if isinstance(one, Reference) and one == other:
        return True
    if unknown(one) or unknown(other):
        return _patterns_apart(one, other)
    if isinstance(one, Items) and isinstance(other, Items):
        return _equal_items(one, other)
    if isinstance(one, Entries) and isinstance(other, Entries):
        return _equal_entries(one, other)
    if isinstance(one, Items | Entries) or isinstance(other, Items | Entries):
        return False
    if isinstance(one, int | float) and isinstance(other, int | float) and bool not in (type(one), type(other)):
        return exact(one) == exact(other)
    return type(one) is type(other) and one == other


def _equal_items(one: Items, other: Items) -> bool | None:
    if type(one) is not type(other) or not _one_element(one, other):
        return False
    if one.rest is not None or other.rest is not None:
        return None
    if len(one.nodes) != len(other.nodes):
        return None if isinstance(one, SetItems) and not _whole(one, other) else False
    answers = [equal(*pair) for pair in zip(one.nodes, other.nodes, strict=True)]
    if isinstance(one, SetItems) and not _whole(one, other):
        return None
    return _all(answers)


def _equal_entries(one: Entries, other: Entries) -> bool | None:
    if type(one) is not type(other) or not _one_element(one, other):
        return False
    missing = (other.rest is None and one.nodes.keys() - other.nodes.keys()) or (
        one.rest is None and other.nodes.keys() - one.nodes.keys()
    )
    if missing:
        return False
    answer = _all([equal(below, other.nodes[key]) for key, below in one.nodes.items() if key in other.nodes])
    return None if answer and (one.rest is not None or other.rest is not None) else answer


def _one_element(one: Items | Entries, other: Items | Entries) -> bool:
    """Tell whether two collections may have one type of element; what is not known may be of any."""
    if not isinstance(one, ListItems | SetItems | MapEntries) or not isinstance(
        other, ListItems | SetItems | MapEntries
    ):
        return True
    return one.element == other.element or not _whole(one, other)


def _whole(*contents: Content) -> bool:
    return all(is_known(Node(content, NOWHERE)) for content in contents)


def _all(answers: Iterable[bool | None]) -> bool | None:
    """Give False where one answer is, None where one is open, else True."""
    found = set(answers)
    return False if False in found else None if None in found else True


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
