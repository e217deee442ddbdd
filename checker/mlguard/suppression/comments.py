"""Read the wishes to be left alone that a text and the metadata of a resource hold."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from enum import IntEnum

from mlguard.patterns import lazy_pattern
from mlguard.record import field, record
from mlguard.resource import Waiver
from mlguard.source import Document, Span

_COMMENT = lazy_pattern(
    r"(?:#|//)[ \t]*mlguard:[ \t]*ignore\b(?:\[(?P<ids>[^\]\n]{0,500})\])?[ \t]*(?P<reason>[^\n]{0,2000})"
)
_UNTIL = lazy_pattern(r"(?:^|\s)--\s*until\s+(?P<until>\S+)\s*$")
_ABOVE = 20  # lines of comments between an ignore and the code that it speaks of


class Said(IntEnum):
    """What came of one name in a wish; over several projects, the highest counts."""

    UNKNOWN = 0
    NOT_JUDGED = 1
    UNUSED = 2
    MANDATORY = 3
    USED = 4


@record(eq=False, frozen=False)
class Wish:
    """One wish to be left alone: for which policies, where, why and until when.

    `said` tells what came of each name in it, `hides` the fingerprints of the findings that it hid.
    """

    ids: tuple[str, ...]
    reason: str
    until: str
    at: Span
    first_line: int = 0
    last_line: int = 0
    inline: bool = True
    said: dict[str, Said] = field(default_factory=dict)
    hides: dict[str, None] = field(default_factory=dict)

    @property
    def lacks(self) -> str:
        """What it does not say as it must, in words; empty where it says all."""
        if not self.reason:
            return "has no reason: write one after the bracket"
        if self.until and _day(self.until) is None:
            return f'has no such day "{self.until}": write YYYY-MM-DD'
        return ""

    def expired(self, today: date) -> bool:
        """Tell whether its day is over."""
        day = _day(self.until) if self.until else None
        return day is not None and day < today

    def holds(self, today: date) -> bool:
        """Tell whether it hides anything at all."""
        return not self.lacks and not self.expired(today)


def _day(written: str) -> date | None:
    try:
        return date.fromisoformat(written)
    except ValueError:
        return None


def wishes_in(document: Document) -> Iterator[Wish]:
    """Find the comments `# mlguard: ignore[id, id] reason -- until YYYY-MM-DD` of a text."""
    if "mlguard" not in document.text:
        return
    for match in _COMMENT.finditer(document.text):
        reason, until = _parted(match["reason"])
        at = document.span(match.start(), match.start() + len(match[0].rstrip()))
        ids = tuple(dict.fromkeys(name.strip() for name in (match["ids"] or "").split(",") if name.strip()))
        alone = not document.line(at.line)[: at.column - 1].strip()
        last = _next_code(document, at.line) if alone else at.line
        yield Wish(ids, reason, until, at, at.line, last)


def wish_of(waiver: Waiver) -> Wish:
    """Give the wish that stands in the metadata of a resource; its reason may name a day as that of a comment does."""
    reason, until = _parted(waiver.reason)
    return Wish(waiver.policies, reason, waiver.until or until, waiver.span, inline=False)


def _parted(written: str) -> tuple[str, str]:
    """Part a reason from the day behind it."""
    match = _UNTIL.search(written)
    if match is None:
        return written.strip(), ""
    return written[: match.start()].strip(), match["until"]


def _next_code(document: Document, line: int) -> int:
    """Give the line that a comment on a line of its own speaks of: the next one that is not a comment."""
    for number in range(line + 1, line + _ABOVE):
        if not document.line(number).lstrip().startswith(("#", "//")):
            return number
    return line + 1
