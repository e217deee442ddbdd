"""A file's text, and places in it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from mlguard.patterns import lazy_pattern
from mlguard.record import field, record

_NEWLINE = lazy_pattern("\n")


@record(order=True)
class Span:
    """A stretch of a file: lines and columns count code points from 1, the end is exclusive.

    `path` is relative to the scanned root, with forward slashes.
    """

    path: str
    line: int
    column: int
    end_line: int
    end_column: int

    def holds(self, other: Span) -> bool:
        """Tell whether another span lies within this one."""
        begins = (self.line, self.column) <= (other.line, other.column)
        return (
            self.path == other.path
            and begins
            and (other.end_line, other.end_column) <= (self.end_line, self.end_column)
        )

    def first_line(self) -> Span:
        """Narrow a span of several lines to where it begins; the end is then the begin."""
        if self.end_line == self.line:
            return self
        return Span(self.path, self.line, self.column, self.line, self.column)


@record(eq=False)
class Document:
    """The text of one file, by its path relative to the root; what stands at `hidden` offsets is not to be shown."""

    path: str
    text: str
    hidden: tuple[tuple[int, int], ...] = ()
    _starts: list[int] = field(default_factory=list)

    def line_starts(self) -> list[int]:
        """Give the offset of each line's first character."""
        if not self._starts:
            self._starts.append(0)
            self._starts.extend(match.end() for match in _NEWLINE.finditer(self.text))
        return self._starts

    def line(self, number: int) -> str:
        """Give one line's text without its end, or an empty string where there is no such line."""
        starts = self.line_starts()
        if not 1 <= number <= len(starts):
            return ""
        end = starts[number] - 1 if number < len(starts) else len(self.text)
        return self.text[starts[number - 1] : end].rstrip("\r")

    def hiding(self, spans: Sequence[Span]) -> Document:
        """Give the same document with some of its places hidden."""
        own = [span for span in spans if span.path == self.path]
        if not own:
            return self
        starts = self.line_starts()
        offsets = tuple(
            (starts[one.line - 1] + one.column - 1, starts[one.end_line - 1] + one.end_column - 1) for one in own
        )
        return Document(self.path, self.text, offsets)

    def span(self, start: int, end: int) -> Span:
        """Turn a pair of offsets into a span."""
        starts = self.line_starts()
        first = bisect_right(starts, start)
        last = bisect_right(starts, end)
        return Span(self.path, first, start - starts[first - 1] + 1, last, end - starts[last - 1] + 1)
