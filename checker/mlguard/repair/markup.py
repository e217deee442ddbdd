"""Write into YAML and JSON: keys and items are added in the style that stands around them."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence

from mlguard.errors import ParseError
from mlguard.finding import Splice
from mlguard.parse.json_document import load_json
from mlguard.parse.yaml_document import load_yaml
from mlguard.patterns import lazy_pattern
from mlguard.record import replace
from mlguard.repair.tree import RefusedError, Spot, indentation, line_end, newline_of
from mlguard.repair.written import Style, block, flow, item_lines, json_lines, key_text
from mlguard.source import Document, Span
from mlguard.value import Entries, Items, Node

_PROPERTIES = lazy_pattern(r"(?:(?:&(?P<anchor>[^\s,\[\]{}]+)|![^\s,\[\]{}]*)\s*)*")
"""What may stand before a value in YAML: its anchor, and its tag."""
_ALIAS = lazy_pattern(r"\*([^\s,\[\]{}]+)")
_COLON = lazy_pattern(r"\s*:\S")
_DECIDES = lazy_pattern(r"(?:Fn::.*|Ref|Condition)\Z")
_QUOTES = ("'", '"')


class Markup:
    """A YAML or JSON file: the tree of each of its documents, and the writing into them.

    `resources` are the names and the trees of the resources in it, by where their names begin.
    """

    def __init__(self, document: Document) -> None:
        self._document = document
        self._text = document.text
        self._is_json, self.nodes = _loaded(document)
        self._aliases = frozenset() if self._is_json else frozenset(_ALIAS.findall(self._text))
        self._templates = document.path.endswith((".tf.json", ".tofu.json"))
        self.roots = [self._spot(node, 0, len(self._text)) for node in self.nodes]
        self.resources = dict(_resources(self.roots))
        self._newline = newline_of(self._text)
        self._style = replace(self._found_style(), quoted=self._is_json)

    def offsets(self, span: Span) -> tuple[int, int]:
        """Give where a span begins and ends; libyaml ends a block on the line after the last one."""
        starts = self._document.line_starts()
        if span.end_line > len(starts):
            return starts[span.line - 1] + span.column - 1, len(self._text)
        return starts[span.line - 1] + span.column - 1, starts[span.end_line - 1] + span.end_column - 1

    def _spot(self, node: Node, low: int, high: int) -> Spot:
        start, end = self.offsets(node.span)
        key = self.offsets(node.key_span) if node.key_span not in (None, node.span) else None  # a tag is no key
        if not low <= start <= end <= high or (key is not None and not low <= key[0] <= high):
            why = f"it is taken over from line {node.span.line} by an alias or a merge key"
            return Spot("opaque", key[1] if key else start, key[1] if key else start, key, why=why)
        before = _PROPERTIES.match(self._text, start) if not self._is_json else None
        spot = self._own(node, before.end() if before is not None else start, end, key)
        anchor = before["anchor"] if before is not None else None
        if anchor is not None and anchor in self._aliases:
            spot.kind, spot.shared, spot.why = "opaque", True, f"the anchor &{anchor} is used elsewhere as well"
        return spot

    def _own(self, node: Node, begin: int, end: int, key: tuple[int, int] | None) -> Spot:
        content = node.content
        start = self.offsets(node.span)[0]  # of the tag, which belongs to what stands in it
        if isinstance(content, Entries):
            entries = {name: self._spot(below, start, end) for name, below in content.nodes.items()}
            return self._mapping(entries, begin, end, key)
        if isinstance(content, Items):
            items = [self._spot(item, start, end) for item in content.nodes]
            one = self._templates and len(items) == 1 and items[0].kind == "mapping"
            return Spot("list", begin, end, key, items=items, one_or_more=one)
        if self._templates and isinstance(content, str) and re.search(r"[$%]\{", content):
            return Spot("opaque", begin, end, key, why="an expression decides it")
        scalar = content if isinstance(content, str | int | float | bool) else None
        return Spot("scalar", begin, end, key, content=scalar)

    def _mapping(self, entries: dict[str, Spot], begin: int, end: int, key: tuple[int, int] | None) -> Spot:
        if not self._templates and entries and all(_DECIDES.match(name) for name in entries):
            return Spot("opaque", begin, end, key, entries, why=f"{next(iter(entries))} decides it")
        return Spot("mapping", begin, end, key, entries)

    def _found_style(self) -> Style:
        """Find out how the file is indented: by the first mapping in a mapping, and the first list in block style."""
        unit, steps = "", None
        waiting = deque(self.roots)
        while waiting and (not unit or steps is None):
            spot = waiting.popleft()
            waiting.extend((*spot.entries.values(), *spot.items))
            if spot.key is None:
                continue
            outer = indentation(self._text, spot.key[0])
            if spot.kind == "mapping" and spot.entries and not unit and self._several_lines(spot):
                first = min((one.key[0] for one in spot.entries.values() if one.key is not None), default=spot.start)
                unit = indentation(self._text, first).removeprefix(outer)
            if spot.kind == "list" and spot.items and steps is None and self._text[spot.start : spot.start + 1] == "-":
                steps = indentation(self._text, spot.start) != outer
        return Style(unit or "  ", steps_lists=steps is not False, spaced=self._spaced())

    def _spaced(self) -> bool:
        """Tell whether a blank stands after the first colon of a JSON text, as in all of YAML."""
        keys = [one.key[1] for root in self.roots for one in root.entries.values() if one.key is not None]
        return not self._is_json or not keys or _COLON.match(self._text, min(keys)) is None

    def _several_lines(self, spot: Spot) -> bool:
        return "\n" in self._text[spot.start : spot.end] or self._text[spot.start : spot.start + 1] not in ("{", "[")

    def _splice(self, start: int, end: int, text: str) -> Splice:
        return Splice(self._document.path, start, end, text.replace("\n", self._newline))

    def insert(self, into: Spot, entries: Mapping[str, object]) -> list[Splice]:
        """Add keys that a mapping does not have."""
        if self._text[into.start : into.start + 1] == "{":
            return self._insert_flow(into, [(key, value) for key, value in entries.items()])
        own = sorted((one for one in into.entries.values() if one.key and into.start <= one.key[0] < into.end), key=_at)
        if not own or own[0].key is None:
            raise RefusedError("the mapping has no key of its own")
        column = own[0].key[0] - (self._text.rfind("\n", 0, own[0].key[0]) + 1)
        lines = block(entries, " " * column, self._style)
        end = self._after(own[-1])
        gap = "\n" if len(own) > 1 and self._apart(own[-1]) else ""
        return [self._splice(end, end, gap + "".join(f"\n{line}" for line in lines))]

    def _apart(self, spot: Spot) -> bool:
        """Tell whether a blank line stands before a key."""
        above = self._text.rfind("\n", 0, _at(spot))
        return above > 0 and not self._text[self._text.rfind("\n", 0, above) + 1 : above].strip()

    def _after(self, spot: Spot) -> int:
        """Give the end of the line on which a value in block style ends."""
        end = max(self._tail(spot), spot.key[1] if spot.key else 0)
        if end == (spot.key[1] if spot.key else -1):  # nothing, or an alias, stands after the colon
            rest = self._text.find("\n", end)
            return line_end(self._text, len(self._text) if rest < 0 else rest, "#")
        return line_end(self._text, end, "#")

    def _tail(self, spot: Spot) -> int:
        """Give where the text of a value ends: libyaml lets a block end where the next one begins."""
        below = sorted((*spot.entries.values(), *spot.items), key=_at)
        if below and self._text[spot.start] not in "{[":
            return max(self._tail(below[-1]), below[-1].key[1] if below[-1].key else 0)
        return spot.start + len(self._text[spot.start : spot.end].rstrip())

    def _insert_flow(self, into: Spot, pairs: list[tuple[str | None, object]]) -> list[Splice]:
        """Add to what stands in brackets; on lines of their own where the others stand on such lines."""
        below = sorted((*into.entries.values(), *into.items), key=_at)
        close = into.end - 1
        if self._text[close] not in "}]":
            raise RefusedError("it is not certain where the brackets end")
        if not below:
            return self._fill_brackets(into, pairs)
        last = below[-1]
        end = max(last.end, last.key[1] if last.key else 0)
        between = self._text[end:close]
        if "*" in between or (last.kind == "opaque" and last.start == last.end):
            raise RefusedError("an alias ends it")
        first = below[0].key[0] if below[0].key else below[0].start
        if "\n" not in self._text[into.start : first]:
            return [self._splice(end, end, "".join(f"{self._comma}{self._pair(*one, '')}" for one in pairs))]
        indent = indentation(self._text, last.key[0] if last.key else last.start)
        comma = end + between.index(",") if "," in between.split("#")[0] else -1
        after = line_end(self._text, comma + 1 if comma >= 0 else end, "#")
        texts = [f"\n{indent}{self._pair(*one, indent)}" for one in pairs]
        if comma >= 0:  # the last item ends with a comma already
            return [self._splice(after, after, "".join(f"{text}," for text in texts))]
        if after == end:
            return [self._splice(end, end, "".join(f",{text}" for text in texts))]
        return [self._splice(end, end, ","), self._splice(after, after, ",".join(texts))]

    def _fill_brackets(self, into: Spot, pairs: list[tuple[str | None, object]]) -> list[Splice]:
        if self._is_json and "\n" in self._text:
            outer = indentation(self._text, into.key[0] if into.key else into.start)
            indent = outer + self._style.unit
            text = ",".join(f"\n{indent}{self._pair(*one, indent)}" for one in pairs)
            return [self._splice(into.start + 1, into.end - 1, f"{text}\n{outer}")]
        text = self._comma.join(self._pair(*one, "") for one in pairs)
        return [self._splice(into.start + 1, into.end - 1, text)]

    @property
    def _comma(self) -> str:
        return ", " if self._style.spaced else ","

    def _pair(self, key: str | None, value: object, indent: str) -> str:
        several = self._is_json and indent
        written = json_lines(value, indent, self._style) if several else flow(value, self._style)
        colon = ": " if self._style.spaced else ":"
        return written if key is None else f"{key_text(key, self._style)}{colon}{written}"

    def append(self, to: Spot, item: object) -> list[Splice]:
        """Add an item to the end of a list."""
        if self._text[to.start : to.start + 1] == "[":
            return self._insert_flow(to, [(None, item)])
        if not to.items or self._text[to.start : to.start + 1] != "-":
            raise RefusedError("the list is not written as one")
        indent = " " * (to.start - (self._text.rfind("\n", 0, to.start) + 1))
        last = to.items[-1]
        in_flow = self._text[last.start : last.start + 1] == "{"
        lines = [f"{indent}- {flow(item, self._style)}"] if in_flow else item_lines(item, indent, self._style)
        end = self._after(last)
        return [self._splice(end, end, "".join(f"\n{line}" for line in lines))]

    def replace(self, spot: Spot, value: object) -> list[Splice]:
        """Write another value instead of a scalar, in the same quotes; or the first where none stands."""
        written = self._text[spot.start : spot.end]
        if spot.content is None and not written.strip() and spot.key is not None:
            return self._fill_key(spot.key, value)
        if isinstance(value, Mapping | list) and spot.content is not None:
            raise RefusedError("another value stands there, and it is not certain what of it is to be kept")
        if not written or written[0] in "|>":
            raise RefusedError("the value is a text of several lines")
        new = flow(value, self._style)
        if written[0] in _QUOTES and new[0] not in _QUOTES:
            new = f"{written[0]}{new}{written[0]}"
        return [self._splice(spot.start, spot.end, new)]

    def _fill_key(self, key: tuple[int, int], value: object) -> list[Splice]:
        colon = self._text.index(":", key[1]) + 1
        if not isinstance(value, Mapping) or not value:
            return [self._splice(colon, colon, f" {flow(value, self._style)}")]
        end = line_end(self._text, colon, "#")
        column = key[0] - (self._text.rfind("\n", 0, key[0]) + 1)
        lines = block(value, " " * column + self._style.unit, self._style)
        return [self._splice(end, end, "".join(f"\n{line}" for line in lines))]


def _resources(roots: Sequence[Spot]) -> Iterator[tuple[int, tuple[str, Spot]]]:
    """Give the resources of a template, or of a `.tf.json` file."""
    for root in roots:
        sections = [root.entries["Resources"]] if "Resources" in root.entries else []
        sections += root.entries["resource"].entries.values() if "resource" in root.entries else ()
        for section in sections:
            for name, spot in section.entries.items():
                if spot.key is not None:
                    yield spot.key[0], (name, spot)


def _at(spot: Spot) -> int:
    return spot.key[0] if spot.key is not None else spot.start


def _loaded(document: Document) -> tuple[bool, list[Node]]:
    if document.text.lstrip()[:1] == "{":
        try:
            return True, [load_json(document)]
        except ParseError:
            pass
    return False, load_yaml(document)
