"""Text inside of a text: what a block, a quoted string or a heredoc says, and where each character of it stands.

A state machine in a template is JSON inside of a YAML scalar; its findings belong on the lines of that JSON.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from mlguard.errors import LimitError, ParseError
from mlguard.parse.json_document import load_json
from mlguard.patterns import lazy_pattern
from mlguard.record import field, record, replace
from mlguard.source import Document, Span
from mlguard.value import Content, Entries, Items, Node

MAX_INNER = 1_000_000
_LEAD = lazy_pattern(r"""\s*(?:!Sub\b\s*)?(?:\{?\s*["']?Fn::Sub["']?\s*:\s*)?(?:\[\s*|-[ \t]+)?""")
_BLOCK = lazy_pattern(r"(?P<style>[|>])(?P<options>[-+0-9]{0,2})[ \t]*(?:#[^\n]*)?\r?\n")
_HEREDOC = lazy_pattern(r"<<-?(?P<mark>[^\W\d][\w.-]*)[ \t]*\r?\n")
_DOUBLE = lazy_pattern(
    r'(?P<plain>[^"\\\r\n]+)|(?P<fold>\r?\n[ \t]*)|\\(?P<code>u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}|U[0-9A-Fa-f]{8})'
    r"|\\(?P<join>\r?\n[ \t]*)|\\(?P<letter>.)"
)
_SINGLE = lazy_pattern(r"(?P<plain>[^'\r\n]+)|(?P<fold>\r?\n[ \t]*)|(?P<quote>'')")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_MASK = "1"  # a digit is harmless inside of a text, and a number where a value stands


@record(frozen=False)
class InnerText:
    """The characters of a scalar's value, each with its offset in the document that holds the scalar."""

    document: Document
    _parts: list[str] = field(default_factory=list)
    _offsets: list[int] = field(default_factory=list)
    _inner: Document | None = None

    @property
    def inner(self) -> Document:
        """The value as a document of its own."""
        if self._inner is None:
            self._inner = Document(self.document.path, "".join(self._parts))
        return self._inner

    def add(self, text: str, start: int, *, stays: bool = False) -> None:
        """Append characters that stand from `start` on; with `stays` all of them at that very place."""
        self._parts.append(text)
        self._offsets.extend([start] * len(text) if stays else range(start, start + len(text)))

    def outer(self, span: Span) -> Span:
        """Turn a place in the value into the place in the document."""
        first = self._offset(_index(self.inner, span.line, span.column))
        last = self._offset(_index(self.inner, span.end_line, span.end_column))
        return self.document.span(first, max(first, last))

    def _offset(self, index: int) -> int:
        if index < len(self._offsets):
            return self._offsets[max(index, 0)]
        return self._offsets[-1] + 1 if self._offsets else 0

    def moved(self, node: Node) -> Node:
        """Give a node that was read from the value with its places in the document."""
        content = node.content
        if isinstance(content, Entries):
            content = Entries({key: self.moved(below) for key, below in content.nodes.items()}, content.rest)
        elif isinstance(content, Items):
            content = Items(tuple(self.moved(below) for below in content.nodes), content.rest)
        key_span = self.outer(node.key_span) if node.key_span is not None else None
        return replace(node, content=content, span=self.outer(node.span), key_span=key_span)

    def masked(self) -> InnerText:
        """Give the text with each `${…}` made into digits, so that it can be parsed for its places."""
        text = self.inner.text
        out: list[str] = []
        position = 0
        while (start := text.find("${", position)) >= 0:
            end = _closing(text, start + 2)
            out.append(text[position:start] + _MASK * (end - start))
            position = end
        return InnerText(self.document, [*out, text[position:]], self._offsets)


def _closing(text: str, position: int) -> int:
    depth = 1
    while depth and position < len(text):
        depth += {"{": 1, "}": -1}.get(text[position], 0)
        position += 1
    return position


def _index(document: Document, line: int, column: int) -> int:
    """Give the offset of a place; a parser may put the end of a text on the line after its last one."""
    starts = document.line_starts()
    return starts[line - 1] + column - 1 if 0 < line <= len(starts) else len(document.text)


def inner_text(document: Document, span: Span) -> InnerText | None:
    """Read the scalar that stands at a place; None where it is none whose characters can be followed."""
    start, end = _index(document, span.line, span.column), _index(document, span.end_line, span.end_column)
    lead = _LEAD.match(document.text, start, end)
    at = lead.end() if lead is not None else start
    found = InnerText(document)
    block = _BLOCK.match(document.text, at, end)
    heredoc = _HEREDOC.match(document.text, at, end)
    if end - at > MAX_INNER:
        return None
    if block is not None:
        _add_block(found, block, end)
    elif heredoc is not None:
        _add_heredoc(found, heredoc, end)
    elif document.text[at : at + 1] in ('"', "'"):
        _add_quoted(found, at, end)
    else:
        return None
    return found


def _add_block(found: InnerText, header: re.Match[str], end: int) -> None:
    text = found.document.text
    folded = header["style"] == ">"
    indent = -1
    position = header.end()
    while position < end:
        stop = text.find("\n", position, end)
        stop = end if stop < 0 else stop
        line = text[position:stop]
        if line.strip():
            blanks = len(line) - len(line.lstrip(" "))
            indent = blanks if indent < 0 else indent
            if blanks < indent:
                return
            found.add(line[indent:].rstrip("\r"), position + indent)
        found.add(" " if folded else "\n", stop, stays=True)
        position = stop + 1


def _add_heredoc(found: InnerText, header: re.Match[str], end: int) -> None:
    text = found.document.text
    closing = re.compile(rf"^[ \t]*{re.escape(header['mark'])}[ \t]*\r?$", re.MULTILINE).search(text, header.end(), end)
    stop = closing.start() if closing is not None else end
    found.add(text[header.end() : stop], header.end())


def _add_quoted(found: InnerText, at: int, end: int) -> None:
    text = found.document.text
    pattern = _DOUBLE if text[at] == '"' else _SINGLE
    position = at + 1
    while (match := pattern.match(text, position, end)) is not None:
        position = match.end()
        parts = match.groupdict()
        if parts["plain"] is not None:
            found.add(match.group(), match.start())
        elif parts["fold"] is not None:
            found.add(" ", match.start())
        elif parts.get("quote") is not None:
            found.add("'", match.start())
        elif parts.get("code") is not None:
            found.add(_character(match["code"]), match.start())
        elif parts.get("letter") is not None:
            found.add(_ESCAPES.get(match["letter"], match["letter"]), match.start())


def _character(code: str) -> str:
    number = int(code[1:], 16)
    return chr(number) if number < 0x110000 else "�"  # noqa: PLR2004  (the end of Unicode)


def places(document: Document | None, span: Span) -> Node | None:
    """Give the JSON that a scalar holds with the places of the document; None where it cannot be followed."""
    found = inner_text(document, span) if document is not None else None
    if found is None:
        return None
    masked = found.masked()
    try:
        return masked.moved(load_json(masked.inner))
    except (ParseError, LimitError):
        return None


def overlaid(value: Node, place: Node | None, at: Node, scalar: Callable[[Content, Span], Content]) -> Node:
    """Give a value the places that the same structure has in a file.

    What is not found there stands where its parent does. `scalar` makes of each plain content, and of its place, what
    it stands for.
    """
    span, key_span = (place.span, place.key_span) if place is not None else (at.span, at.key_span)
    here = Node(None, span, key_span, at.origins)
    content = value.content
    below = place.content if place is not None else None
    if isinstance(content, Entries):
        known = below.nodes if isinstance(below, Entries) else {}
        made = {key: overlaid(node, known.get(key), here, scalar) for key, node in content.nodes.items()}
        return replace(here, content=Entries(made))
    if isinstance(content, Items):
        listed: tuple[Node | None, ...] = (None,) * len(content.nodes)
        if isinstance(below, Items) and len(below.nodes) == len(content.nodes):
            listed = below.nodes
        nodes = (overlaid(node, one, here, scalar) for node, one in zip(content.nodes, listed, strict=True))
        return replace(here, content=Items(tuple(nodes)))
    return replace(here, content=scalar(content, span))
