"""Write into Terraform's own language: arguments and nested blocks are added as `terraform fmt` would have them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mlguard.finding import Splice
from mlguard.parse.terraform.reader import read_block
from mlguard.parse.terraform.scanner import ScannedBlock, scan
from mlguard.parse.terraform.syntax import (
    Argument,
    Attribute,
    Block,
    Expression,
    Index,
    ListExpression,
    Literal,
    Name,
    ObjectExpression,
    Parenthesis,
    Template,
)
from mlguard.patterns import lazy_pattern
from mlguard.record import record
from mlguard.repair.tree import RefusedError, Spot, indentation, line_end, newline_of
from mlguard.repair.written import assignments, block_lines, body_lines, hcl, hcl_inline, split
from mlguard.source import Document
from mlguard.value import Unknown

_COMMENTS = ("#", "//", "/*")
_ASSIGNED = lazy_pattern(r"(?P<name>[\w-]+)[ \t]*=[ \t]*(?P<value>[^\n]+)\Z")
_WRITTEN_LINE = lazy_pattern(r"\r?\n[ \t]*[^\s]")
_REFERENCES = (Attribute, Index, Name)


@record()
class _Pair:
    """An entry of an object: where its key and its value stand."""

    start: int
    end: int


class Hcl:
    """A Terraform file: its blocks as trees, and the writing into them.

    Where `objects` holds, mappings are written as arguments and never as nested blocks, as the Cloud Control provider
    takes them.
    """

    def __init__(self, document: Document, *, objects: bool = False) -> None:
        self._document = document
        self._text = document.text
        self._newline = newline_of(document.text)
        self._objects = objects
        self._scanned = scan(document)
        self._by_start = {one.start: one for one in self._scanned.blocks}
        self._bodies: dict[int, Spot] = {}

    def scanned(self) -> list[ScannedBlock]:
        """Give the blocks of the file; RefusedError where a part of it cannot be read."""
        if self._scanned.problems:
            raise RefusedError("the file cannot be read as a whole")
        return self._scanned.blocks

    def block_at(self, start: int) -> tuple[ScannedBlock, Spot]:
        """Give the block that begins at an offset."""
        self.scanned()
        found = self._by_start.get(start)
        if found is None:
            raise RefusedError("no block begins there")
        if start not in self._bodies:
            self._bodies[start] = self.body(read_block(found))
        return found, self._bodies[start]

    def in_dynamic(self, spot: Spot, start: int) -> bool:
        """Tell whether an offset is in a `dynamic` block of a body."""
        block = spot.syntax
        if isinstance(block, Block) and block.type == "dynamic" and block.start <= start < block.end:
            return True
        return any(self.in_dynamic(below, start) for below in (*spot.entries.values(), *spot.items))

    def body(self, block: Block) -> Spot:
        """Give a block as the mapping of its arguments and nested blocks."""
        spot = Spot("mapping", block.start, block.end, (block.start, block.header_end), syntax=block)
        for name, given in block.arguments.items():
            spot.entries[name] = self._argument(given)
        for inner in block.blocks:
            name = inner.labels[0] if inner.type == "dynamic" and inner.labels else inner.type
            below = spot.entries.setdefault(name, Spot("list", inner.start, inner.end, syntax=block, one_or_more=True))
            below.items.append(self.body(inner))
            below.end = inner.end
            if inner.type == "dynamic":
                below.kind, below.why = "opaque", f"a dynamic block makes `{name}`"
        return spot

    def _argument(self, given: Argument) -> Spot:
        spot = self._value(given.value)
        spot.key = (given.start, given.end)
        return spot

    def _value(self, value: Expression) -> Spot:
        if isinstance(value, Literal) and not isinstance(value.value, Unknown):
            return Spot("scalar", value.start, value.end, content=value.value, syntax=value)
        if isinstance(value, ListExpression):
            return Spot("list", value.start, value.end, items=[self._value(item) for item in value.items], syntax=value)
        if isinstance(value, ObjectExpression):
            spot = Spot("mapping", value.start, value.end, syntax=value)
            for key, below in value.pairs:
                name = key.name if isinstance(key, Name) else key.value if isinstance(key, Literal) else None
                if name is None:
                    return Spot("opaque", value.start, value.end, why="a key of it is an expression", syntax=value)
                spot.entries[str(name)] = self._value(below)
                spot.entries[str(name)].key = (key.start, key.end)
            return spot
        return Spot("opaque", value.start, value.end, why="an expression decides it", syntax=value)

    def _splice(self, start: int, end: int, text: str) -> Splice:
        return Splice(self._document.path, start, end, text.replace("\n", self._newline))

    def insert(self, into: Spot, entries: Mapping[str, object]) -> list[Splice]:
        """Add arguments and nested blocks to a body, or pairs to an object."""
        if not isinstance(into.syntax, Block):
            return self._insert_pairs(into, entries)
        arguments, blocks = (dict(entries), []) if self._objects else split(entries)
        block = into.syntax
        opened = self._text.index("{", block.header_end) + 1
        if "\n" not in self._text[opened : block.end]:
            return [self._several_lines(block, opened, entries)]
        outer = indentation(self._text, block.start)
        inside: list[Argument | Block] = [*block.arguments.values(), *block.blocks]
        inside.sort(key=lambda one: one.start)
        indent = indentation(self._text, inside[0].start) if inside else f"{outer}  "
        splices: dict[int, str] = {}
        if arguments:
            offset, text = self._arguments(block, opened, indent, arguments)
            splices[offset] = text
        if blocks:
            offset = self._end_of(inside[-1]) if inside else line_end(self._text, opened, _COMMENTS)
            apart = bool(inside or arguments) and self._apart(block)
            for name, value in blocks:
                lines = "\n".join(block_lines(name, value, indent))
                splices[offset] = splices.get(offset, "") + ("\n\n" if apart else "\n") + lines
        return [self._splice(offset, offset, text) for offset, text in splices.items()]

    def _apart(self, block: Block) -> bool:
        """Tell whether a blank line stands before nested blocks: as before those that are there."""
        if not block.blocks:
            return not indentation(self._text, block.start)
        before = self._text.rfind("\n", 0, block.blocks[-1].start)
        above = self._text[self._text.rfind("\n", 0, max(before, 0)) + 1 : max(before, 0)].strip()
        return not above

    def _end_of(self, part: Argument | Block) -> int:
        end = part.value.end if isinstance(part, Argument) else part.end
        return line_end(self._text, end, _COMMENTS)

    def _arguments(self, block: Block, opened: int, indent: str, entries: Mapping[str, object]) -> tuple[int, str]:
        """Give where new arguments stand, after those before the first nested block, and their lines."""
        first = min((inner.start for inner in block.blocks), default=block.end)
        before = sorted((one for one in block.arguments.values() if one.start < first), key=lambda one: one.start)
        pairs = [(name, hcl(value, indent)) for name, value in entries.items()]
        if not before:
            offset = line_end(self._text, opened, _COMMENTS)
            gap = "\n" if block.blocks else ""
            return offset, "".join(f"\n{line}" for line in assignments(pairs, indent)) + gap
        offset = self._end_of(before[-1])
        width = self._width(before)
        fits = width is not None and all(len(name) <= width and "\n" not in value for name, value in pairs)
        lines = assignments(pairs, indent, width if fits and width is not None else 0)
        return offset, ("" if fits else "\n") + "".join(f"\n{line}" for line in lines)

    def _width(self, arguments: Sequence[Argument]) -> int | None:
        """Give how wide the names are in the last group of lines; None where their signs are not in one column."""
        widths: set[int] = set()
        last: int | None = None
        for given in reversed(arguments):
            place = self._document.span(given.start, given.value.end)
            line = place.line
            if place.end_line != line or (last is not None and line != last - 1):
                break
            sign = self._text.index("=", given.end)
            widths.add(sign - 1 - given.start if self._text[sign - 1] == " " else -1)
            last = line
        return widths.pop() if len(widths) == 1 and -1 not in widths else None

    def _several_lines(self, block: Block, opened: int, entries: Mapping[str, object]) -> Splice:
        """Give a block on one line, which may hold one argument only, a line for each."""
        outer = indentation(self._text, block.start)
        indent = f"{outer}  "
        written = self._text[opened : block.end - 1].strip()
        arguments, blocks = (dict(entries), []) if self._objects else split(entries)
        pairs = [(name, hcl(value, indent)) for name, value in arguments.items()]
        assigned = _ASSIGNED.match(written)
        if assigned is not None:
            lines = assignments([(assigned["name"], assigned["value"].rstrip()), *pairs], indent)
        else:
            lines = ([f"{indent}{written}"] if written else []) + assignments(pairs, indent)
        for name, value in blocks:
            lines += block_lines(name, value, indent)
        return self._splice(opened, block.end - 1, "\n" + "\n".join(lines) + f"\n{outer}")

    def _insert_pairs(self, into: Spot, entries: Mapping[str, object]) -> list[Splice]:
        outer = indentation(self._text, into.start)
        own = sorted(into.entries.values(), key=lambda one: one.key or (0, 0))
        if not own:
            return [self._splice(into.start, into.end, hcl(dict(entries), outer))]
        last = own[-1]
        if "\n" not in self._text[into.start : into.end]:
            texts = (f", {name} = {hcl_inline(value)}" for name, value in entries.items())
            return [self._splice(last.end, last.end, "".join(texts))]
        indent = self._indent(last)
        lines = assignments([(name, hcl(value, indent)) for name, value in entries.items()], indent)
        comma = "," if self._text[last.end : into.end].lstrip(" \t").startswith(",") else ""
        end = line_end(self._text, self._text.index(",", last.end) + 1 if comma else last.end, _COMMENTS)
        return [self._splice(end, end, "".join(f"\n{line}{comma}" for line in lines))]

    def append(self, to: Spot, item: object) -> list[Splice]:
        """Add a nested block after the last of its name, or an item to a list."""
        last = to.items[-1] if to.items else None
        if last is not None and isinstance(last.syntax, Block) and isinstance(item, Mapping):
            indent = indentation(self._text, last.start)
            end = line_end(self._text, last.end, _COMMENTS)
            apart = "\n" if isinstance(to.syntax, Block) and self._apart(to.syntax) else ""
            return [self._splice(end, end, f"\n{apart}" + "\n".join(block_lines(last.syntax.type, item, indent)))]
        if last is None:
            return [self._splice(to.start, to.end, hcl([item], indentation(self._text, to.start)))]
        if "\n" not in self._text[to.start : last.start]:
            written = hcl_inline(item) if "\n" not in self._text[to.start : to.end] else hcl(item, self._indent(last))
            return [self._splice(last.end, last.end, f", {written}")]
        end, comma = self._after(last.end, to.end)
        head = "" if comma else ","
        return [self._splice(end, end, f"{head}\n{self._indent(last)}{hcl(item, self._indent(last))}{comma}")]

    def _indent(self, spot: Spot) -> str:
        return indentation(self._text, spot.key[0] if spot.key else spot.start)

    def _after(self, last: int, close: int) -> tuple[int, str]:
        """Give where the line of the last item ends, and the comma that it ends with, if any."""
        rest = self._text[last:close]
        comma = "," if rest.lstrip(" \t").startswith(",") else ""
        after = last + rest.index(",") + 1 if comma else last
        end = line_end(self._text, after, _COMMENTS)
        if not comma and self._text[after:end].strip():
            raise RefusedError("a comment stands where the comma would")
        return end, comma

    def replace(self, spot: Spot, value: object) -> list[Splice]:
        """Write another value instead of a literal."""
        return [self._splice(spot.start, spot.end, hcl(value, indentation(self._text, spot.start)))]

    def after(self, block: ScannedBlock, kind: str, name: str, entries: Mapping[str, object]) -> list[Splice]:
        """Add a resource after a block."""
        lines = (
            ["{", *assignments([(key, hcl(value, "  ")) for key, value in entries.items()], "  "), "}"]
            if self._objects
            else ["{", *body_lines_apart(entries), "}"]
        )
        end = line_end(self._text, block.end, _COMMENTS)
        text = f'\n\nresource "{kind}" "{name}" ' + "\n".join(lines)
        crowded = _WRITTEN_LINE.match(self._text, end) is not None
        return [self._splice(end, end, text + ("\n" if crowded else ""))]

    def expression_of(self, spot: Spot) -> str | None:
        """Give the text of a value that can be put into another expression; None where it is too much for that."""
        value = spot.syntax
        while isinstance(value, Parenthesis):
            value = value.value
        text = self._text[spot.start : spot.end]
        if isinstance(value, Template):
            return text[1:-1] if text.startswith('"') and "\n" not in text else None
        return f"${{{text}}}" if isinstance(value, _REFERENCES) else None


def body_lines_apart(entries: Mapping[str, object]) -> list[str]:
    """Write the body of a resource: a blank line stands before each nested block."""
    arguments, blocks = split(entries)
    lines = body_lines(arguments, "  ")
    for name, value in blocks:
        lines += ["", *block_lines(name, value, "  ")]
    return lines
