"""The text of a file as a tree that can be written into, whatever its format; and what is to be merged into it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, Protocol

from mlguard.finding import Splice
from mlguard.policy.fixes import value_form
from mlguard.record import field, record
from mlguard.value import Scalar


class RefusedError(Exception):
    """The text cannot be mended with certainty; says why."""


@record(eq=False, frozen=False)
class Spot:
    """A value in the text, by offsets; `key` is where its key stands.

    `why` says of an opaque one why nobody may write into it. `one_or_more` marks a list that is written without its
    brackets when it has one item: nested blocks. `shared` says that other places use it, too. `syntax` is what the
    format itself knows of it.
    """

    kind: Literal["mapping", "list", "scalar", "opaque"]
    start: int
    end: int
    key: tuple[int, int] | None = None
    entries: dict[str, Spot] = field(default_factory=dict)
    items: list[Spot] = field(default_factory=list)
    content: Scalar = None
    why: str = ""
    one_or_more: bool = False
    shared: bool = False
    syntax: object = None


@record()
class Added:
    """An item that a list must get."""

    item: object


class Writer(Protocol):
    """Writes values into the text of one format; each method raises RefusedError where it cannot."""

    def insert(self, into: Spot, entries: Mapping[str, object]) -> list[Splice]:
        """Add keys that a mapping does not have."""

    def append(self, to: Spot, item: object) -> list[Splice]:
        """Add an item to the end of a list."""

    def replace(self, spot: Spot, value: object) -> list[Splice]:
        """Write another value instead of a scalar."""


def wanted_tree(changes: Mapping[str, object], added: Mapping[str, object]) -> dict[str, object]:
    """Give values by their paths as one tree."""
    tree: dict[str, object] = {}
    leaves = [*changes.items(), *((path, Added(item)) for path, item in added.items())]
    for path, value in leaves:
        *above, last = path.split(".")
        here = tree
        for key in above:
            below = here.setdefault(key, {})
            here = below if isinstance(below, dict) else {}
        here[last] = value
    return tree


def merge(writer: Writer, spot: Spot, tree: Mapping[str, object]) -> list[Splice]:
    """Give the splices after which a mapping holds a tree; none where it does already."""
    if spot.kind == "list" and spot.one_or_more:
        if len(spot.items) != 1:
            raise RefusedError("there are several, and it is not certain which is meant")
        spot = spot.items[0]
    if spot.kind == "scalar" and spot.content is None:
        return writer.replace(spot, settled(tree))
    if spot.kind != "mapping":
        raise RefusedError(spot.why or "the code has another shape here than the resource's schema")
    missing = {key: settled(value) for key, value in tree.items() if key not in spot.entries}
    splices = writer.insert(spot, missing) if missing else []
    for key, value in tree.items():
        if key in spot.entries:
            splices += _changed(writer, spot.entries[key], value)
    return splices


def _changed(writer: Writer, spot: Spot, value: object) -> list[Splice]:
    if spot.kind == "opaque":
        raise RefusedError(spot.why)
    if isinstance(value, Mapping) and not value_form(value):
        return merge(writer, spot, value)
    if spot.kind == "scalar" and spot.content is None:
        return writer.replace(spot, settled(value))
    if isinstance(value, Added):
        if spot.kind == "list":
            return writer.append(spot, value.item)
        raise RefusedError("the code has no list here")
    if spot.kind != "scalar":
        raise RefusedError("another value stands there, and it is not certain what of it is to be kept")
    return [] if spot.content == value else writer.replace(spot, value)


def settled(value: object) -> object:
    """Give a tree as plain values: an item that is added to nothing makes a list of one."""
    if isinstance(value, Added):
        return [value.item]
    if isinstance(value, Mapping) and not value_form(value):
        return {key: settled(below) for key, below in value.items()}
    return value


def indentation(text: str, offset: int) -> str:
    """Give the blanks that the line of an offset begins with."""
    start = text.rfind("\n", 0, offset) + 1
    end = start
    while end < len(text) and text[end] in " \t":
        end += 1
    return text[start:end]


def newline_of(text: str) -> str:
    """Give how the lines of a text end."""
    first = text.find("\n")
    return "\r\n" if first > 0 and text[first - 1] == "\r" else "\n"


def line_end(text: str, offset: int, comments: Iterable[str]) -> int:
    """Give where the line of an offset ends; RefusedError where more than a comment stands before that."""
    end = text.find("\n", offset)
    end = len(text) if end < 0 else end
    if end > offset and text[end - 1] == "\r":
        end -= 1
    rest = text[offset:end].strip()
    if rest and not rest.startswith(tuple(comments)):
        raise RefusedError("more is written on the same line, and it is not certain where it belongs")
    return end
