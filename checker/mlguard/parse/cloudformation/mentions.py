"""The values of open names that a template itself mentions: they are what can make a difference.

A parameter without default, the region, an imported value: whatever a condition or a rule compares one with, and the
keys of the maps that it looks up, stand for themselves; `OTHER` stands for every other value.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from mlguard.parse.cloudformation.expressions import arguments, name_in, written
from mlguard.patterns import lazy_pattern
from mlguard.value import Entries, Items, Node, text_of

OTHER = "any other value"
"""Stands for every value of an open name that its template never mentions."""

_SHAPES = {"AWS::Region": lazy_pattern(r"[a-z]{2,5}(?:-[a-z]+)+-\d{1,2}"), "AWS::AccountId": lazy_pattern(r"\d{12}")}
"""What only can be a region or an account: other keys of a map of maps are none."""
_MAX_MENTIONED = 1000  # more than are ever explored
_Found = dict[str, dict[str, None]]


def mentioned(sections: Mapping[str, Node]) -> Mapping[str, tuple[str, ...]]:
    """Give, for each name or unknown expression, the constants that a template compares it with or looks up."""
    found: _Found = {}
    for name in ("Conditions", "Rules"):
        for function, argument in _calls(sections.get(name)):
            if function in ("Fn::Equals", "Fn::Contains", "Fn::EachMemberEquals", "Fn::EachMemberIn"):
                _compared(arguments(argument), found)
    maps = sections.get("Mappings")
    if maps is not None and isinstance(maps.content, Entries):
        for name in ("Conditions", "Rules", "Resources", "Outputs"):
            for function, argument in _calls(sections.get(name)):
                if function == "Fn::FindInMap":
                    _looked_up(arguments(argument), maps.content, found)
    for name, shape in _SHAPES.items():
        found[name] = {text: None for text in found.get(name, ()) if shape.fullmatch(text)}
    return {name: tuple(constants) for name, constants in found.items()}


def subject(node: Node) -> str:
    """Name what a comparison is about: the name that it refers to, else the expression as written."""
    return name_in(node) or written(node)


def _calls(section: Node | None) -> Iterator[tuple[str, Node]]:
    pending = [section] if section is not None else []
    while pending:
        content = pending.pop().content
        if isinstance(content, Entries):
            if len(content.nodes) == 1:
                yield next(iter(content.nodes.items()))
            pending.extend(reversed(list(content.nodes.values())))
        elif isinstance(content, Items):
            pending.extend(reversed(content.nodes))


def _compared(parts: Sequence[Node], found: _Found) -> None:
    for one, other in (parts, parts[::-1]) if len(parts) == 2 else ():  # noqa: PLR2004  (left, right)
        if isinstance(one.content, Entries):
            listed = other.content.nodes if isinstance(other.content, Items) else (other,)
            constants = (text_of(item.content) for item in listed)
            _add(found, one, (text for text in constants if text is not None))


def _add(found: _Found, node: Node, constants: Iterable[str]) -> None:
    known = found.setdefault(subject(node), {})
    known.update(dict.fromkeys(islice(constants, max(_MAX_MENTIONED - len(known), 0))))


def _looked_up(parts: Sequence[Node], maps: Entries, found: _Found) -> None:
    if len(parts) < 3:  # noqa: PLR2004  (map, first key, second key)
        return
    name = parts[0].content
    chosen = [maps.nodes[name]] if isinstance(name, str) and name in maps.nodes else list(maps.nodes.values())
    if isinstance(parts[1].content, Entries):
        _add(found, parts[1], (key for one in chosen for key in _keys(one)))
    if isinstance(parts[2].content, Entries):
        _add(found, parts[2], (key for one in chosen for below in _below(one) for key in _keys(below)))


def _keys(node: Node) -> Iterator[str]:
    yield from node.content.nodes if isinstance(node.content, Entries) else ()


def _below(node: Node) -> Iterator[Node]:
    yield from node.content.nodes.values() if isinstance(node.content, Entries) else ()
