"""Splices: stretches of a text with another text instead. How they are applied, joined, and shown as a difference."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence

from mlguard.finding import Splice
from mlguard.patterns import lazy_pattern
from mlguard.record import record, replace

_LINE = lazy_pattern(r"[^\n]*\n|[^\n]+")
_CONTEXT = 3


def spliced(text: str, splices: Sequence[Splice]) -> str:
    """Give a text after splices that stand in order and do not touch."""
    pieces: list[str] = []
    position = 0
    for splice in splices:
        pieces += (text[position : splice.start], splice.text)
        position = splice.end
    return "".join(pieces) + text[position:]


def composed(first: Sequence[Splice], then: Sequence[Splice], between: str) -> list[Splice]:
    """Give one row of splices for two: `first` made the text `between`, into which `then` are spliced.

    All stand in order, and those of one row do not touch.
    """
    made: list[Splice] = []
    before, after = list(reversed(first)), list(reversed(then))
    shift = 0  # from the first text to the one between
    while before or after:
        start = min([one.start + shift for one in before[-1:]] + [one.start for one in after[-1:]])
        begin = start - shift
        position = end = start
        pieces: list[str] = []
        while True:
            if before and before[-1].start + shift <= end:
                one = before.pop()
                end = max(end, one.start + shift + len(one.text))
                shift += len(one.text) - (one.end - one.start)
            elif after and after[-1].start <= end:
                one = after.pop()
                pieces += (between[position : one.start], one.text)
                position = one.end
                end = max(end, one.end)
            else:
                break
        path = (first or then)[0].path
        made.append(Splice(path, begin, end - shift, "".join(pieces) + between[position:end]))
    return made


@record()
class _Change:
    """Lines `start` to `end` of the old text, without `end`, and those that stand there instead."""

    start: int
    end: int
    lines: Sequence[str]


def difference(text: str, splices: Sequence[Splice]) -> Iterator[str]:
    """Give the hunks of a unified diff, line by line as they stand in the texts, for splices in order.

    Each hunk stands where its splices are: to look for the shortest difference would take far longer.
    """
    old = _LINE.findall(text)
    shift = 0
    for hunk in _hunks(_changes(text, old, splices)):
        first, last = max(hunk[0].start - _CONTEXT, 0), min(hunk[-1].end + _CONTEXT, len(old))
        more = sum(len(one.lines) - (one.end - one.start) for one in hunk)
        yield f"@@ -{_range(first, last)} +{_range(first + shift, last + shift + more)} @@\n"
        position = first
        for one in hunk:
            yield from (f" {line}" for line in old[position : one.start])
            yield from (f"-{line}" for line in old[one.start : one.end])
            yield from (f"+{line}" for line in one.lines)
            position = one.end
        yield from (f" {line}" for line in old[position:last])
        shift += more


def _range(start: int, end: int) -> str:
    """Write a range of lines as a hunk's header does."""
    if end - start == 1:
        return str(start + 1)
    return f"{start + 1 if end > start else start},{end - start}"


def _changes(text: str, old: Sequence[str], splices: Sequence[Splice]) -> list[_Change]:
    """Give the lines that splices change; those that stand next to each other are one change."""
    starts = [0]
    for line in old:
        starts.append(starts[-1] + len(line))
    groups: list[tuple[int, int, list[Splice]]] = []
    for splice in splices:
        begin = bisect_right(starts, splice.start) - 1
        if begin == len(old) and not text.endswith("\n"):
            begin = max(begin - 1, 0)  # the last line goes on
        end = begin if starts[begin] == splice.end and splice.text.endswith("\n") else _line_after(starts, splice.end)
        if groups and begin < groups[-1][1]:
            begin, _, within = groups.pop()
            groups.append((begin, end, [*within, splice]))
        else:
            groups.append((begin, end, [splice]))
    changes: list[_Change] = []
    for begin, end, within in groups:
        offset = starts[begin]
        inner = [replace(one, start=one.start - offset, end=one.end - offset) for one in within]
        change = _trimmed(begin, old[begin:end], _LINE.findall(spliced(text[offset : starts[end]], inner)))
        if changes and change.start == changes[-1].end:
            before = changes.pop()
            change = _Change(before.start, change.end, [*before.lines, *change.lines])
        if change.lines or change.end > change.start:
            changes.append(change)
    return changes


def _line_after(starts: Sequence[int], offset: int) -> int:
    """Give the number of the first line that begins behind an offset."""
    return min(bisect_right(starts, offset), len(starts) - 1)


def _trimmed(start: int, old: Sequence[str], new: Sequence[str]) -> _Change:
    """Leave out the lines that stay, before and after those that change."""
    same = min(len(old), len(new))
    head = next((index for index in range(same) if old[index] != new[index]), same)
    tail = next((index for index in range(same - head) if old[-1 - index] != new[-1 - index]), same - head)
    return _Change(start + head, start + len(old) - tail, new[head : len(new) - tail])


def _hunks(changes: Sequence[_Change]) -> Iterator[list[_Change]]:
    """Group the changes whose context would touch."""
    hunk: list[_Change] = []
    for change in changes:
        if hunk and change.start - hunk[-1].end > 2 * _CONTEXT:
            yield hunk
            hunk = []
        hunk.append(change)
    if hunk:
        yield hunk
