"""Between nodes and plain Python values, with Terraform's rules for texts, numbers and sets."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from mlguard.scenario import Scenario
from mlguard.source import Span
from mlguard.value import Content, Entries, Items, Node, Reference, Unknown, settle, text_of

MAX_ITEMS = 10_000
MAX_TEXT = 1_000_000
MAX_DEPTH = 60
MAX_NODES = 100_000
MAX_NUMBER = 1e30
_DECIMAL = re.compile(r"-?\d{1,40}(?:\.\d{1,40})?(?:[eE][-+]?\d{1,3})?\Z")


@dataclass(frozen=True, slots=True)
class SetItems(Items):
    """A set: sorted, without doubles; its elements are their own keys."""


class CannotKnowError(Exception):
    """An expression cannot be evaluated here; the attribute that it stands in is unknown."""

    def __init__(self, unknown: Unknown) -> None:
        super().__init__(unknown.because)
        self.unknown = unknown


class InvalidError(Exception):
    """An expression is wrong, as `try` and `can` see it; without them the attribute is unknown."""


def known(node: Node, scenario: Scenario) -> Any:  # noqa: ANN401  (whatever the expression is)
    """Give a node as a Python value; CannotKnowError where any part of it is not known."""
    return _known(node, scenario, [MAX_NODES], 0)


def _known(node: Node, scenario: Scenario, budget: list[int], depth: int) -> object:
    content = settle(node, scenario).content
    budget[0] -= 1  # a tree may share its parts, and be far larger than what was written
    if depth > MAX_DEPTH or budget[0] < 0:
        raise CannotKnowError(Unknown(f"more than {MAX_NODES:,} values, or nested deeper than {MAX_DEPTH} levels"))
    if isinstance(content, Unknown):
        raise CannotKnowError(content)
    if isinstance(content, Reference):
        raise CannotKnowError(Unknown(f"{shown(content)} is known after deployment", references=(content,)))
    if isinstance(content, Entries):
        if content.rest is not None:
            raise CannotKnowError(content.rest)
        return {key: _known(value, scenario, budget, depth + 1) for key, value in content.nodes.items()}
    if isinstance(content, Items):
        if content.rest is not None:
            raise CannotKnowError(content.rest)
        return [_known(value, scenario, budget, depth + 1) for value in content.nodes]
    return content


def shown(reference: Reference) -> str:
    """Write a reference as Terraform does."""
    return f"{reference.address}.{reference.attribute}" if reference.attribute else reference.address


def from_plain(value: object, at: Span, depth: int = 0) -> Node:
    """Give a Python value as a node, everything at one place."""
    if depth > MAX_DEPTH:
        return Node(Unknown(f"nested deeper than {MAX_DEPTH} levels"), at)
    if isinstance(value, dict):
        return Node(Entries({str(key): from_plain(below, at, depth + 1) for key, below in value.items()}), at)
    if isinstance(value, list | tuple):
        if len(value) > MAX_ITEMS:
            return Node(Unknown(f"a list of more than {MAX_ITEMS:,} items"), at)
        return Node(Items(tuple(from_plain(below, at, depth + 1) for below in value)), at)
    if isinstance(value, set | frozenset):
        return Node(SetItems(tuple(from_plain(below, at, depth + 1) for below in sorted(value, key=str))), at)
    if value is None or isinstance(value, str | int | float | bool):
        if isinstance(value, str) and len(value) > MAX_TEXT:
            return Node(Unknown(f"a text of more than {MAX_TEXT:,} characters"), at)
        return Node(value, at)
    return Node(Unknown("a value of no known type"), at)


def as_text(content: Content) -> str:
    """Give a scalar as text; InvalidError for null and collections."""
    text = text_of(content)
    if text is None:
        raise InvalidError("a text is wanted here")
    return text


def as_number(value: object) -> int | float:
    """Give a number, also one that is written as text; InvalidError for everything else."""
    if isinstance(value, bool) or value is None:
        raise InvalidError("a number is wanted here")
    if isinstance(value, str) and _DECIMAL.match(value):
        value = float(value) if set(value) & set(".eE") else int(value)
    if isinstance(value, int | float) and -MAX_NUMBER <= value <= MAX_NUMBER:
        return value
    raise InvalidError("a number is wanted here")


def as_truth(value: object) -> bool:
    """Give a truth value, also one that is written as text; InvalidError for everything else."""
    if value in (True, "true"):
        return True
    if value in (False, "false"):
        return False
    raise InvalidError("true or false is wanted here")


def equal(left: object, right: object) -> bool:
    """Compare as Terraform's == does: values of different types are never equal, 1 equals 1.0."""
    if isinstance(left, bool) != isinstance(right, bool):
        return False
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(equal(one, other) for one, other in zip(left, right, strict=True))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(equal(value, right[key]) for key, value in left.items())
    return bool(left == right)


def unknown_of(node: Node) -> Unknown:
    """Say why a node is not a known value."""
    content = node.content
    if isinstance(content, Unknown):
        return content
    if isinstance(content, Reference):
        return Unknown(f"{shown(content)} is known after deployment", references=(content,))
    return Unknown("it is known after deployment")
