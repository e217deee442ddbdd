"""The source line of a finding with its culprit underlined: cropped, escaped, and with secrets beside it masked."""

from __future__ import annotations

import re
import unicodedata

from mlguard.patterns import lazy_pattern
from mlguard.record import record
from mlguard.render.escape import terminal_pieces
from mlguard.source import Document, Span

_TAB = "    "
_DOTS = "..."
_AROUND = 400  # code points looked at on each side of the culprit: a minified template is one line of megabytes
_MASK = "*"
_LINES = 6  # of a culprit that is a whole block
# A value that follows a telling name on the same line, and access key ids anywhere.
_SECRET = lazy_pattern(
    r"(?:passw(?:or)?d|passphrase|secret|token|api_?key|access_?key|private_?key|credential)"
    r"[\w.-]{0,64}[\"']?[ \t]{0,9}[:=][ \t]{0,9}"
    r"(?P<value>\"[^\"]*\"?|'[^']*'?|[^\s,}\]]+)"
    r"|(?P<key>\b(?:AKIA|ASIA)[A-Z0-9]{16}\b)",
    re.IGNORECASE,
)


@record()
class Snippet:
    """A line ready to print, in three parts: the culprit is `marked`."""

    before: str
    marked: str
    after: str

    @property
    def text(self) -> str:
        """Give the whole line."""
        return self.before + self.marked + self.after

    @property
    def start(self) -> int:
        """Count the columns of a terminal before the culprit."""
        return sum(map(_columns, self.before))

    @property
    def length(self) -> int:
        """Count the columns of the culprit, at least one: what is missing is pointed at as well."""
        return max(sum(map(_columns, self.marked)), 1)


def snippet(document: Document, span: Span, room: int) -> Snippet | None:
    """Show the first line of a span in at most `room` columns; None where the document has no such line."""
    last = span.end_column if span.end_line == span.line else None
    return _line(document, span.line, (max(span.column, 1), last), room)


def excerpt(document: Document, span: Span, around: int, room: int) -> list[tuple[int, Snippet]]:
    """Show the lines of a span, the first few of them, and some around them, each with its number."""
    last = min(span.end_line, span.line + _LINES - 1)
    shown = []
    for number in range(max(span.line - around, 1), last + around + 1):
        culprit = None
        if span.line <= number <= last:
            end = span.end_column if number == span.end_line else None
            culprit = (max(span.column, 1) if number == span.line else 1, end)
        if number <= len(document.line_starts()):
            shown.append((number, _line(document, number, culprit, room) or Snippet("", "", "")))
    while shown and not shown[-1][1].text:
        shown.pop()
    return shown


def _line(document: Document, number: int, culprit: tuple[int, int | None] | None, room: int) -> Snippet | None:
    """Show a line; `culprit` is its first column and the one after it, None for the end of the line."""
    starts = document.line_starts()
    if not 1 <= number <= len(starts):
        return None
    begin = starts[number - 1]
    end = starts[number] - 1 if number < len(starts) else len(document.text)
    first, last = culprit or (1, 1)
    low_mark = min(begin + first - 1, end)
    high_mark = min(max(begin + last - 1 if last is not None else end, low_mark), end)
    low, high = max(begin, low_mark - _AROUND), min(end, low_mark + _AROUND)
    text = _without(document.text[low:high], low, document.hidden)
    window = text.rstrip("\r\n \t")
    if not window:
        return None
    at_least = 1 if culprit is not None else 0
    start = min(low_mark - low, len(window))
    marked = slice(start, min(max(high_mark - low, start + at_least), len(window)))
    pieces = [_TAB if piece == r"\t" else piece for piece in terminal_pieces(_masked(window, marked))]
    return _crop(pieces, marked, room, before=low > begin, after=high < end)


def _without(text: str, low: int, hidden: tuple[tuple[int, int], ...]) -> str:
    """Mask what is not to be shown, wherever it stands."""
    for start, end in hidden:
        first, last = max(start - low, 0), min(end - low, len(text))
        if first < last:
            text = text[:first] + _MASK * (last - first) + text[last:]
    return text


def _masked(text: str, culprit: slice) -> str:
    """Hide what looks like a secret, but not in the culprit itself, which the message names anyhow."""

    def hide(match: re.Match[str]) -> str:
        group = "value" if match["value"] is not None else "key"
        start, end = match.span(group)
        if start < culprit.stop and culprit.start < end:
            return match[0]
        return match[0][: start - match.start()] + _MASK * (end - start)

    return _SECRET.sub(hide, text)


def _columns(piece: str) -> int:
    """Count the columns that an escaped character takes on a terminal."""
    if len(piece) > 1 or piece.isascii():
        return len(piece)
    if unicodedata.category(piece) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(piece) in ("W", "F") else 1


def _crop(pieces: list[str], culprit: slice, room: int, *, before: bool, after: bool) -> Snippet:
    """Choose the part of the line around the culprit that fits, and mark what is left out."""
    widths = [_columns(piece) for piece in pieces]
    start, stop = 0, len(pieces)
    if sum(widths) > room or before or after:
        start, stop = _part(widths, culprit, room - 2 * len(_DOTS))
    left = _DOTS if before or start > 0 else ""
    right = _DOTS if after or stop < len(pieces) else ""
    first, last = max(culprit.start, start), min(culprit.stop, stop)
    return Snippet(
        left + "".join(pieces[start:first]),
        "".join(pieces[first:last]),
        "".join(pieces[max(first, last) : stop]) + right,
    )


def _part(widths: list[int], culprit: slice, room: int) -> tuple[int, int]:
    """Grow from the culprit's begin: two thirds of the room to the right, then to the left, then to the right again."""
    start = stop = min(culprit.start, len(widths) - 1)
    used = 0
    while stop < len(widths) and (used == 0 or used + widths[stop] <= room * 2 // 3):
        used += widths[stop]
        stop += 1
    while start > 0 and used + widths[start - 1] <= room:
        start -= 1
        used += widths[start]
    while stop < len(widths) and used + widths[stop] <= room:
        used += widths[stop]
        stop += 1
    return start, stop
