"""`Fn::ForEach` of the language extensions: loops that write the entries of a mapping."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from mlguard.parse.cloudformation.expressions import arguments, because
from mlguard.patterns import lazy_pattern
from mlguard.record import field, record, replace
from mlguard.scenario import Scenario
from mlguard.value import Content, Entries, Items, Node, Unknown, settle, text_of

LOOP = "Fn::ForEach::"
MAX_MADE = 50_000
_MAX_DEPTH = 20
_NOT_FOR_NAMES = lazy_pattern("[^0-9A-Za-z]+")
Value = Callable[[Node], Node]
"""Evaluates the collection that a loop goes over."""


@record(frozen=False)
class Expansion:
    """The entries that a loop makes; `rest` says why there may be more."""

    nodes: dict[str, Node] = field(default_factory=dict)
    rest: Unknown | None = None


class _ExhaustedError(Exception):
    """A loop makes more than is worth looking at."""


@record(frozen=False)
class Budget:
    """How many nodes the loops of a template, and one of them at a time, may still look at."""

    left: int = 4 * MAX_MADE
    for_one: int = MAX_MADE

    def spend(self) -> None:
        """Count one node."""
        self.left -= 1
        self.for_one -= 1
        if self.left < 0 or self.for_one < 0:
            raise _ExhaustedError


def expand(key: str, argument: Node, value: Value, scenario: Scenario, budget: Budget) -> Expansion:
    """Write out a loop and the loops inside of it; every entry keeps the place of the body that it comes from."""
    expansion = Expansion()
    budget.for_one = MAX_MADE
    try:
        _expand(key, argument, value, scenario, expansion, budget, 0)
    except _ExhaustedError:
        expansion.rest = Unknown(f"{key} makes more than {MAX_MADE:,} values")
    return expansion


def has_loops(section: Node | None) -> bool:
    """Tell whether a loop writes entries of a section."""
    content = section.content if section is not None else None
    return isinstance(content, Entries) and any(key.startswith(LOOP) for key in content.nodes)


def types_made(argument: Node, depth: int = 0) -> tuple[str, ...]:
    """Give the resource types that the body of a loop writes; none where one of them is not plain."""
    parts = arguments(argument)
    body = parts[2].content if len(parts) == 3 else None  # noqa: PLR2004  (identifier, collection, body)
    found: list[str] = []
    for key, node in body.nodes.items() if isinstance(body, Entries) and depth < _MAX_DEPTH else ():
        inner = types_made(node, depth + 1) if key.startswith(LOOP) else _type(node)
        if not inner:
            return ()
        found.extend(inner)
    return tuple(dict.fromkeys(found))


def _type(node: Node) -> tuple[str, ...]:
    kind = node.content.nodes.get("Type") if isinstance(node.content, Entries) else None
    return (kind.content,) if kind is not None and isinstance(kind.content, str) and "{" not in kind.content else ()


def _expand(  # noqa: PLR0913, PLR0917  (a recursion with its state)
    key: str, argument: Node, value: Value, scenario: Scenario, made: Expansion, budget: Budget, depth: int
) -> None:
    parts = arguments(argument)
    name = parts[0].content if len(parts) == 3 else None  # noqa: PLR2004  (identifier, collection, body)
    if not isinstance(name, str) or not name or not isinstance(parts[2].content, Entries) or depth > _MAX_DEPTH:
        made.rest = Unknown(f"{key} needs an identifier, a collection and a mapping")
        return
    texts, unknown = _collection(value(parts[1]), scenario)
    if unknown is not None:
        made.rest = Unknown(f"{key} goes over a list that is known at deployment: {unknown}")
    for text in texts:
        for written, node in parts[2].content.nodes.items():
            below = substitute(node, name, text, budget)
            if written.startswith(LOOP):
                _expand(written, below, value, scenario, made, budget, depth + 1)
            else:
                made.nodes.setdefault(_put(written, name, text), below)


def _collection(node: Node, scenario: Scenario) -> tuple[list[str], str | None]:
    """Give the items of a collection, and why there may be more; lists among the items count as their items."""
    if not isinstance(node.content, Items):
        return [], because(node.content, "it is no list")
    texts: list[str] = []
    unknown = node.content.rest.because if node.content.rest is not None else None
    for item in node.content.nodes:
        content = settle(item, scenario).content
        text = text_of(content)
        if text is not None:
            texts.append(text)
        elif isinstance(content, Items):
            inner, why = _collection(replace(item, content=content), scenario)
            texts.extend(inner)
            unknown = unknown or why
        else:
            unknown = unknown or because(content, "one of its items is no text")
    return list(dict.fromkeys(texts)), unknown


def substitute(node: Node, name: str, text: str, budget: Budget) -> Node:
    """Put the text for an identifier: in `${Name}` and `&{Name}` of keys and texts, and for `Ref: Name`."""
    budget.spend()
    content = node.content
    made: Content = content
    if isinstance(content, str):
        made = _put(content, name, text)
    elif isinstance(content, Entries):
        reference = content.nodes.get("Ref") if len(content.nodes) == 1 else None
        if reference is not None and reference.content == name:
            return Node(text, node.span, node.key_span)
        made = _substituted_entries(content, name, text, budget)
    elif isinstance(content, Items):
        nodes = tuple(substitute(below, name, text, budget) for below in content.nodes)
        if any(one is not other for one, other in zip(nodes, content.nodes, strict=True)):
            made = Items(nodes, content.rest)
    if made is content or (made == content and isinstance(content, str)):
        return node
    return replace(node, content=made)


def _substituted_entries(content: Entries, name: str, text: str, budget: Budget) -> Entries:
    nodes: dict[str, Node] = {}
    changed = False
    for key, below in content.nodes.items():
        written = _put(key, name, text)
        nodes[written] = substitute(below, name, text, budget)
        changed = changed or written != key or nodes[written] is not below
    return Entries(nodes, content.rest) if changed else content


def _put(written: str, name: str, text: str) -> str:
    if "{" not in written:
        return written
    return written.replace(f"${{{name}}}", text).replace(f"&{{{name}}}", _NOT_FOR_NAMES.sub("", text))


def loops_of(section: Node) -> Iterator[tuple[str, Node]]:
    """Give the loops of a section, each with its key."""
    nodes: Mapping[str, Node] = section.content.nodes if isinstance(section.content, Entries) else {}
    yield from ((key, node) for key, node in nodes.items() if key.startswith(LOOP))
