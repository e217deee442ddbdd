"""JSON text to nodes: every key and value keeps its place, duplicate keys are refused with both lines."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from json.decoder import scanstring  # type: ignore[attr-defined]

from mlguard.errors import LimitError, ParseError
from mlguard.parse.yaml_document import MAX_DEPTH
from mlguard.patterns import lazy_pattern
from mlguard.source import Document
from mlguard.value import Entries, Items, Node, Scalar

_SPACE = lazy_pattern(r"[ \t\n\r]*")
_NUMBER = lazy_pattern(r"-?(?:0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?")
_WORDS: tuple[tuple[str, Scalar], ...] = (("true", True), ("false", False), ("null", None))
_MAX_DIGITS = 40


PassOver = Callable[[str, int, Mapping[str, Node]], bool]


def load_json(document: Document, pass_over: PassOver | None = None) -> Node:
    """Parse a JSON text; ParseError or LimitError with the line where that fails.

    `pass_over` tells, by a key, its depth and the entries before it, that nobody needs a value: it is checked to be
    JSON and left out, which takes a small part of the time.
    """
    parser = _Parser(document, pass_over)
    try:
        node, end = parser.value(_skip(document.text, 0), 0)
    except json.JSONDecodeError as error:
        raise ParseError(f"not valid JSON: {error.msg}", document.path, error.lineno, error.colno) from None
    end = _skip(document.text, end)
    if end != len(document.text):
        raise parser.fault("more text after the end of the JSON value", end)
    return node


def _skip(text: str, offset: int) -> int:
    match = _SPACE.match(text, offset)
    return match.end() if match else offset


class _Parser:
    def __init__(self, document: Document, pass_over: PassOver | None) -> None:
        self._document = document
        self._text = document.text
        self._pass_over = pass_over
        self._scan = json.JSONDecoder(parse_int=str, parse_float=str).raw_decode

    def fault(self, message: str, offset: int) -> ParseError:
        at = self._document.span(offset, offset)
        return ParseError(f"not valid JSON: {message}", at.path, at.line, at.column)

    def value(self, start: int, depth: int) -> tuple[Node, int]:
        first = self._text[start : start + 1]
        if first == '"':
            content, end = scanstring(self._text, start + 1, True)  # noqa: FBT003  (the signature of the standard library)
            return Node(content, self._document.span(start, end)), end
        if first in ("{", "["):
            if depth >= MAX_DEPTH:
                at = self._document.span(start, start)
                raise LimitError(f"nested deeper than {MAX_DEPTH} levels", at.path, at.line, at.column)
            return self._mapping(start, depth) if first == "{" else self._sequence(start, depth)
        return self._scalar(start)

    def _scalar(self, start: int) -> tuple[Node, int]:
        for word, content in _WORDS:
            if self._text.startswith(word, start):
                end = start + len(word)
                return Node(content, self._document.span(start, end)), end
        match = _NUMBER.match(self._text, start)
        if match is None:
            raise self.fault("expected a value", start)
        written = match.group()
        number: Scalar = written
        if len(written) <= _MAX_DIGITS:
            number = float(written) if match.group(1) or match.group(2) else int(written)
        return Node(number, self._document.span(start, match.end())), match.end()

    def _mapping(self, start: int, depth: int) -> tuple[Node, int]:
        entries: dict[str, Node] = {}
        at = _skip(self._text, start + 1)
        if self._text[at : at + 1] == "}":
            return Node(Entries(entries), self._document.span(start, at + 1)), at + 1
        while True:
            if self._text[at : at + 1] != '"':
                raise self.fault("expected a key in double quotes", at)
            key, end = scanstring(self._text, at + 1, True)  # noqa: FBT003
            key_span = self._document.span(at, end)
            if key in entries:
                first = entries[key].key_span
                raise self.fault(
                    f"the key {key[:60]!r} is given twice (first at line {first.line if first else 0})", at
                )
            at = _skip(self._text, end)
            if self._text[at : at + 1] != ":":
                raise self.fault("expected ':'", at)
            at = _skip(self._text, at + 1)
            if self._pass_over is not None and self._pass_over(key, depth, entries):
                end = self._passed(at)
            else:
                node, end = self.value(at, depth + 1)
                entries[key] = Node(node.content, node.span, key_span)
            at, closed = self._next(end, "}")
            if closed:
                return Node(Entries(entries), self._document.span(start, at)), at

    def _passed(self, start: int) -> int:
        try:
            return self._scan(self._text, start)[1]
        except RecursionError:
            at = self._document.span(start, start)
            raise LimitError(f"nested deeper than {MAX_DEPTH} levels", at.path, at.line, at.column) from None

    def _sequence(self, start: int, depth: int) -> tuple[Node, int]:
        items: list[Node] = []
        at = _skip(self._text, start + 1)
        if self._text[at : at + 1] == "]":
            return Node(Items(()), self._document.span(start, at + 1)), at + 1
        while True:
            node, end = self.value(at, depth + 1)
            items.append(node)
            at, closed = self._next(end, "]")
            if closed:
                return Node(Items(tuple(items)), self._document.span(start, at)), at

    def _next(self, end: int, closer: str) -> tuple[int, bool]:
        at = _skip(self._text, end)
        found = self._text[at : at + 1]
        if found == closer:
            return at + 1, True
        if found != ",":
            raise self.fault(f"expected ',' or '{closer}'", at)
        return _skip(self._text, at + 1), False
