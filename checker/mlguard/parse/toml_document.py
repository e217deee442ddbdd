"""TOML text to nodes: the standard parser tells no places, so keys are looked for in the lines."""

from __future__ import annotations

from mlguard.errors import ParseError
from mlguard.patterns import lazy_pattern
from mlguard.source import Document, Span
from mlguard.value import Entries, Items, Node

_MAX_DEPTH = 100
_LINE = lazy_pattern(r" \(at (?:line (\d+), column (\d+)|end of document)\)\Z")
_PART = r"""(?:[\w-]+|"[^"\n]*"|'[^'\n]*')"""
_DOTTED = rf"{_PART}(?:[ \t]*\.[ \t]*{_PART})*"
_HEADER = lazy_pattern(rf"[ \t]*\[{{1,2}}[ \t]*({_DOTTED})[ \t]*\]")
_KEY = lazy_pattern(rf"[ \t]*({_DOTTED})[ \t]*=")
_PARTS = lazy_pattern(_PART)
_Path = tuple[str, ...]


def load_toml(document: Document) -> Node:
    """Parse a TOML text; every value stands at the line of its key, as far as that can be found.

    ParseError with the line where that fails. What stands in an inline table or a list is at the line of that.
    """
    import tomllib  # noqa: PLC0415  (few repositories have a file of it)

    try:
        table = tomllib.loads(document.text)
    except tomllib.TOMLDecodeError as error:
        at = _LINE.search(str(error))
        line, column = (int(at[1] or 0), int(at[2] or 0)) if at is not None else (0, 0)
        message = _LINE.sub("", str(error))
        raise ParseError(f"not valid TOML: {message}", document.path, line, column) from None
    except RecursionError:
        raise ParseError("not valid TOML: nested too deeply", document.path) from None
    except ValueError:
        raise ParseError("not valid TOML: a number or a date that is none", document.path) from None
    return _node(table, (), _places(document), document)


def _places(document: Document) -> dict[_Path, Span]:
    """Give where tables and keys are written, with one look at each line."""
    found: dict[_Path, Span] = {}
    table: _Path = ()
    for number, line in enumerate(document.text.split("\n"), 1):
        header = _HEADER.match(line)
        match = header or _KEY.match(line)
        if match is None:
            continue
        path = tuple(part.strip("\"'") for part in _PARTS.findall(match[1]))
        if header is not None:
            table, column, end = path, match.start(0), match.end(0)
        else:
            path, column, end = (*table, *path), match.start(1), len(line.rstrip())
        span = Span(document.path, number, column + 1, number, end + 1)
        for length in range(1, len(path) + 1):
            found.setdefault(path[:length], span)
    return found


def _node(value: object, path: _Path, places: dict[_Path, Span], document: Document) -> Node:
    known = next((path[:length] for length in range(len(path), 0, -1) if path[:length] in places), None)
    span = places[known] if known is not None else document.span(0, 0)
    if len(path) > _MAX_DEPTH:
        raise ParseError("not valid TOML: nested too deeply", span.path, span.line)
    if isinstance(value, dict):
        entries = {}
        for key, below in value.items():
            made = _node(below, (*path, key), places, document)
            entries[key] = Node(made.content, made.span, made.span)
        return Node(Entries(entries), span)
    if isinstance(value, list):
        return Node(Items(tuple(_node(item, (*path, ""), places, document) for item in value)), span)
    return Node(value if isinstance(value, bool | int | float | str) else str(value), span)
