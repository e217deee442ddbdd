"""YAML text to nodes, from libyaml's events: every key and value keeps its place, and nothing is constructed.

Scalars follow YAML 1.1 only for null, booleans, and plain decimal numbers; dates, base 60 and leading zeros stay text.
CloudFormation's short forms (`!Ref`) become their long ones (`Ref`, `Fn::…`). Anchors, aliases and merge keys work and
are bounded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import yaml

from mlguard.errors import LimitError, ParseError
from mlguard.patterns import lazy_pattern
from mlguard.source import Document, Span
from mlguard.value import Content, Entries, Items, Node, Scalar

MAX_DEPTH = 200
MAX_NODES = 500_000
MAX_DOCUMENTS = 100
_INTEGER = lazy_pattern(r"[-+]?(?:0|[1-9][0-9_]{0,39})\Z")
_DECIMAL = lazy_pattern(r"[-+]?(?:[0-9][0-9_]{0,40}\.[0-9_]{0,40}|\.[0-9]{1,40})(?:[eE][-+]?[0-9]{1,3})?\Z")
_WORDS: dict[str, Scalar] = {"": None, "~": None, "null": None, "Null": None, "NULL": None}
_WORDS |= {form(word): True for word in ("true", "yes", "on") for form in (str.lower, str.title, str.upper)}
_WORDS |= {form(word): False for word in ("false", "no", "off") for form in (str.lower, str.title, str.upper)}
_STANDARD = "tag:yaml.org,2002:"
_STANDARD_NAMES = frozenset(
    ("str", "int", "float", "bool", "null", "map", "seq", "set", "omap", "pairs", "binary", "timestamp", "merge")
)
_ODD_BREAKS = lazy_pattern("\r(?!\n)|[\x85\u2028\u2029]")
Event = Any
"""One of PyYAML's events; its stubs say of every mark that it may be missing, and the parser always gives one."""
Mark = Any
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load_yaml(document: Document) -> list[Node]:
    """Parse every document of a YAML text; ParseError or LimitError with the line where that fails."""
    builder = _Builder(document)
    try:
        return list(builder.documents())
    except yaml.MarkedYAMLError as error:
        mark: Mark = error.problem_mark or error.context_mark
        line, column = builder.place(mark) if mark else (0, 0)
        if "nesting depth" in str(error.problem):
            raise LimitError(f"nested deeper than {MAX_DEPTH} levels", document.path, line, column) from None
        raise ParseError(f"not valid YAML: {error.problem or error.context}", document.path, line, column) from None
    except yaml.YAMLError as error:
        reason = getattr(error, "reason", None) or str(error).split("\n", 1)[0]
        raise ParseError(f"not valid YAML: {reason}", document.path) from None
    except UnicodeEncodeError:
        raise ParseError("not valid YAML: contains half of a surrogate pair", document.path) from None


class _Frame:
    """A mapping or sequence whose end has not been met."""

    __slots__ = ("entries", "is_mapping", "items", "key", "key_is_merge", "key_span", "merged", "size", "started")

    def __init__(self, started: Event) -> None:
        self.started = started
        self.is_mapping = type(started) is yaml.MappingStartEvent
        self.size = 1
        self.items: list[Node] = []
        self.entries: dict[str, Node] = {}
        self.key: str | None = None
        self.key_span: Span | None = None
        self.key_is_merge = False
        self.merged: set[str] | None = None


class _Builder:
    def __init__(self, document: Document) -> None:
        self._document = document
        self._path = document.path
        self._odd = _ODD_BREAKS.search(document.text) is not None
        self._stack: list[_Frame] = []
        self._frame: _Frame | None = None
        self._anchors: dict[str, tuple[Node, int]] = {}
        self._open: set[str] = set()
        self._nodes = 0
        self._done: Node | None = None

    def documents(self) -> Iterator[Node]:
        loader = _LOADER(self._document.text)
        handlers: dict[type[yaml.Event], Callable[[Event], None]] = {
            yaml.ScalarEvent: self._scalar,
            yaml.MappingStartEvent: self._start,
            yaml.SequenceStartEvent: self._start,
            yaml.MappingEndEvent: self._end,
            yaml.SequenceEndEvent: self._end,
            yaml.AliasEvent: self._alias,
        }
        count = 0
        next_event, handler_of = loader.get_event, handlers.get
        try:
            while True:
                event = next_event()
                kind = type(event)
                handler = handler_of(kind)
                if handler is not None:
                    handler(event)
                elif kind is yaml.DocumentStartEvent:
                    self._anchors.clear()
                    self._done = None
                    count += 1
                    if count > MAX_DOCUMENTS:
                        raise self._limit(f"more than {MAX_DOCUMENTS} documents in one file", event)
                elif kind is yaml.DocumentEndEvent and self._done is not None:
                    yield self._done
                elif kind is yaml.StreamEndEvent:
                    return
        finally:
            loader.dispose()

    def _scalar(self, event: Event) -> None:
        frame, value, start, end = self._frame, event.value, event.start_mark, event.end_mark
        if self._odd:
            span = self._span(start, end)
        else:  # as `_span` does, without the call: half of all time goes into this method
            span = Span(self._path, start.line + 1, start.column + 1, end.line + 1, end.column + 1)
        if frame is not None and frame.is_mapping and frame.key is None:
            frame.key, frame.key_span = value, span
            if value in frame.entries:
                self._repeated(frame, value, span)
            if value == "<<":
                frame.key_is_merge = event.implicit[0]
            if event.anchor:
                self._anchors[event.anchor] = (Node(value, span), 1)
            return
        tag = event.tag
        if tag is None:
            self._add(_plain(value) if event.implicit[0] else value, span, 1, event.anchor, event)
        else:
            self._add(self._tagged(tag, value, span, event), span, 1, event.anchor, event)

    def _repeated(self, frame: _Frame, key: str, span: Span) -> None:
        """Refuse a key that its mapping has already, unless that came from a merge."""
        if frame.merged is None or key not in frame.merged:
            first = frame.entries[key].key_span
            where = f" (first at line {first.line})" if first else ""
            raise ParseError(f"the key {_shown(key)} is given twice{where}", self._path, span.line, span.column)

    def _start(self, event: Event) -> None:
        if len(self._stack) >= MAX_DEPTH:
            raise self._limit(f"nested deeper than {MAX_DEPTH} levels", event)
        if self._frame is not None and self._frame.is_mapping and self._frame.key is None:
            self._refuse("a key must be a plain text", event)
        if event.anchor:
            self._anchors.pop(event.anchor, None)
            self._open.add(event.anchor)
        self._frame = _Frame(event)
        self._stack.append(self._frame)

    def _end(self, event: Event) -> None:
        frame = self._stack.pop()
        self._frame = self._stack[-1] if self._stack else None
        written = Entries(frame.entries) if frame.is_mapping else Items(tuple(frame.items))
        span = self._span(frame.started.start_mark, event.end_mark)
        tag, anchor = frame.started.tag, frame.started.anchor
        if anchor:
            self._open.discard(anchor)
        self._add(written if tag is None else self._tagged(tag, written, span, event), span, frame.size, anchor, event)

    def _alias(self, event: Event) -> None:
        name = event.anchor
        if name in self._open:
            self._refuse(f"*{_shown(name)} stands inside of what it names", event)
        if name not in self._anchors:
            self._refuse(f"there is no anchor &{_shown(name)} before this", event)
        node, size = self._anchors[name]
        frame = self._frame
        if frame is not None and frame.is_mapping and frame.key is None:
            if not isinstance(node.content, str):
                self._refuse("a key must be a plain text", event)
            frame.key, frame.key_span = node.content, self._span(event.start_mark, event.end_mark)
            if frame.key in frame.entries:
                self._repeated(frame, frame.key, frame.key_span)
            return
        self._add(node.content, node.span, size, None, event)

    def _add(self, content: Content, span: Span, size: int, anchor: str | None, event: Event) -> None:
        self._nodes += 1
        frame = self._frame
        if anchor:
            self._anchors[anchor] = (Node(content, span), size)
        if frame is None:
            self._done = Node(content, span)
            return
        frame.size += size
        if self._nodes > MAX_NODES or frame.size > MAX_NODES:
            raise self._limit(f"more than {MAX_NODES:,} values, aliases written out", event)
        if not frame.is_mapping:
            frame.items.append(Node(content, span))
            return
        key = frame.key or ""
        frame.key = None
        if frame.key_is_merge:
            frame.key_is_merge = False
            self._merge(frame, Node(content, span), event)
        else:
            if frame.merged is not None:
                frame.merged.discard(key)
            frame.entries[key] = Node(content, span, frame.key_span)

    def _merge(self, frame: _Frame, node: Node, event: Event) -> None:
        frame.merged = frame.merged or set()
        sources = node.content.nodes if isinstance(node.content, Items) else (node,)
        for source in sources:
            content = source.content
            if not isinstance(content, Entries):
                self._refuse("<< needs a mapping", event)
            frame.size += len(content.nodes)
            for key, value in content.nodes.items():
                if key not in frame.entries:
                    frame.entries[key] = value
                    frame.merged.add(key)

    def _tagged(self, tag: str, content: Content, span: Span, event: Event) -> Content:
        if tag == "!":
            return content
        if tag.startswith("tag:"):
            name = tag.removeprefix(_STANDARD)
            if name not in _STANDARD_NAMES:
                self._refuse(f"the tag {_shown(tag)} is not allowed", event)
            return content
        name = tag.lstrip("!")
        long_form = name if name in {"Ref", "Condition"} else f"Fn::{name}"
        if long_form == "Fn::GetAtt" and isinstance(content, str):
            content = Items(tuple(Node(part, span) for part in content.split(".", 1)))
        return Entries({long_form: Node(content, span, span)})

    def _span(self, start: Mark, end: Mark) -> Span:
        if self._odd:  # libyaml counts more line breaks than editors do
            return self._document.span(start.index, end.index)
        return Span(self._path, start.line + 1, start.column + 1, end.line + 1, end.column + 1)

    def place(self, mark: Mark) -> tuple[int, int]:
        """Give the line and the column of a mark, as editors count."""
        span = self._span(mark, mark)
        return span.line, span.column

    def _refuse(self, message: str, event: Event) -> NoReturn:
        raise ParseError(message, self._path, *self.place(event.start_mark))

    def _limit(self, message: str, event: Event) -> LimitError:
        return LimitError(message, self._path, *self.place(event.start_mark))


def _plain(text: str) -> Scalar:
    if text in _WORDS:
        return _WORDS[text]
    if text[0] in "0123456789+-.":
        if _INTEGER.match(text):
            return int(text.replace("_", ""))
        if _DECIMAL.match(text):
            return float(text.replace("_", ""))
    return text


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:60] + "…")  # noqa: PLR2004  (as long as fits a message)
