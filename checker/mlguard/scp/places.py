"""Where the parts of a text stand in the file that the text is written in, as it is, indented, or with `${...}`."""

from __future__ import annotations

import re

from mlguard.scp.matching import HOLE
from mlguard.source import Document, Span

_FILLED_IN = re.compile(r"\$\{[^{}]*\}")
_ANY = "*"
_BEFORE = 4  # lines that the name of a function, its brackets and the mark of a block take


class Places:
    """Finds the lines of a text in the file that the text stands in."""

    def __init__(self, text: Document, span: Span, document: Document | None) -> None:
        self._text = text
        self._span = span
        self._document = document
        self._found: dict[tuple[int, int], list[int] | None] = {}
        near = range(span.line, span.line + _BEFORE)
        self._base = next((line for line in near if self._stands_at(line)), 0)

    def _stands_at(self, line: int) -> bool:
        """Tell whether the first lines of the text stand at a line of the file; one bracket alone may be anywhere."""
        lines = self._text.text.count("\n") + 1
        return all(self._columns(1 + below, line + below) is not None for below in range(min(lines, 2)))

    def of(self, at: Span) -> Span:
        """Give the place in the file of a place in the text; the begin of the whole where it cannot be found."""
        line = self._base + at.line - 1
        columns = self._columns(at.line, line) if self._base and at.line else None
        if columns is None:
            return self._span.first_line()
        begin = columns[min(at.column, len(columns)) - 1]
        last = at.end_column if at.end_line == at.line else at.column
        return Span(self._span.path, line, begin, line, max(begin, columns[min(last, len(columns)) - 1]))

    def with_holes(self) -> str:
        """Give the text with a hole for each `*` that the file does not have: it stands for what is filled in."""
        return "\n".join(self._with_holes(number) for number in range(1, self._text.text.count("\n") + 2))

    def _with_holes(self, number: int) -> str:
        whole = self._text.line(number)
        written = whole.strip()
        line = self._line_of(number)
        if written and written in line:
            return whole
        spans = _aligned(line, written) if line else None
        if spans is None:
            return whole.replace(_ANY, HOLE)
        pieces = [written[begin:end] for begin, end in spans]
        filled = (piece.replace(_ANY, HOLE) if index % 2 else piece for index, piece in enumerate(pieces))
        return whole[: len(whole) - len(whole.lstrip())] + "".join(filled)

    def _line_of(self, number: int) -> str:
        """Give the line of the file for a line of the text; empty where there is none."""
        line = self._base + number - 1
        if not self._base or self._document is None or line > self._span.end_line:
            return ""
        return self._document.line(line)

    def _columns(self, number: int, line: int) -> list[int] | None:
        """Give the column in the file of each character of a line of the text, and of its end; None if not there."""
        if (number, line) not in self._found:
            self._found[number, line] = self._look(number, line)
        return self._found[number, line]

    def _look(self, number: int, line: int) -> list[int] | None:
        if self._document is None or not 1 <= line <= self._span.end_line:
            return None
        whole = self._text.line(number)
        written = whole.strip()
        if not written:
            return None
        found = self._document.line(line)
        place = found.find(written)
        spans = _aligned(found, written) if place < 0 else None
        if place < 0 and spans is None:
            return None
        columns = list(range(place + 1, place + len(written) + 2)) if spans is None else _mapped(found, spans)
        return [columns[0]] * (len(whole) - len(whole.lstrip())) + columns


def _aligned(line: str, written: str) -> list[tuple[int, int]] | None:
    """Find the pieces of a line of the file in what became of it: by turns what stands there and what was filled in.

    The pieces are looked for from left to right, so that no line takes long.
    """
    first, *pieces = _FILLED_IN.split(line.strip())
    if not pieces or not written.startswith(first) or not written.endswith(pieces[-1]):
        return None
    spans = [(0, len(first))]
    for index, piece in enumerate(pieces):
        begin = spans[-1][1]
        last = index == len(pieces) - 1
        found = len(written) - len(piece) if last else written.find(piece, begin)
        if found < begin:
            return None
        spans += [(begin, found), (found, found + len(piece))]
    return spans


def _mapped(line: str, spans: list[tuple[int, int]]) -> list[int]:
    """Give the column in the line of the file for each character of what became of it, and for its end."""
    columns: list[int] = []
    fillings = list(_FILLED_IN.finditer(line))
    column = len(line) - len(line.lstrip()) + 1
    for index, (begin, end) in enumerate(spans):
        if index % 2:
            columns += [fillings[index // 2].start() + 1] * (end - begin)
            column = fillings[index // 2].end() + 1
        else:
            columns += range(column, column + end - begin)
            column += end - begin
    return [*columns, column]
