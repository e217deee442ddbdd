"""Moments in time, written as RFC 3339 has them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction

from mlguard.parse.terraform.failure import FailureError
from mlguard.parse.terraform.functions.signature import Function, Run, function, known

_MOMENT = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:[.,](\d{1,30}))?(Z|([+-])(\d{2}):(\d{2}))", re.ASCII
)
_DURATION = re.compile(r"(\d+\.?\d*|\.\d+)(h|ms|us|\u00b5s|\u03bcs|ns|m|s)", re.ASCII)
_NANOSECONDS = {
    "h": 3_600 * 10**9,
    "m": 60 * 10**9,
    "s": 10**9,
    "ms": 10**6,
    "us": 10**3,
    "µs": 10**3,
    "μs": 10**3,
    "ns": 1,
}
_PART = re.compile(r"'(?P<quoted>(?:[^']|'')*)'|(?P<open>')|(?P<letters>([A-Za-z])\4*)|(?P<other>[^A-Za-z']+)")
_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
_DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
_DAY = 24


def _moment(text: str) -> tuple[datetime, int]:
    """Read a moment; gives it to the second, and its nanoseconds."""
    match = _MOMENT.fullmatch(text)
    if match is None:
        raise FailureError("a time such as 2024-05-31T12:00:00Z was expected")
    hours, minutes = int(match[10] or 0), int(match[11] or 0)
    if hours >= _DAY or minutes >= 60:  # noqa: PLR2004  (minutes)
        raise FailureError("the time has an offset that does not exist")
    offset = timedelta(hours=hours, minutes=minutes) * (-1 if match[9] == "-" else 1)
    try:
        zone = UTC if match[8] == "Z" else timezone(offset)
        moment = datetime(*map(int, match.groups()[:6]), tzinfo=zone)  # type: ignore[arg-type, misc]
    except ValueError:
        raise FailureError("the time does not exist") from None
    return moment, int((match[7] or "").ljust(9, "0")[:9])


def _zone(moment: datetime, separator: str) -> str:
    offset = int((moment.utcoffset() or timedelta()).total_seconds()) // 60
    sign, size = ("-", -offset) if offset < 0 else ("+", offset)
    return f"{sign}{size // 60:02}{separator}{size % 60:02}"


def _timeadd(text: str, duration: str) -> str:
    moment, nanoseconds = _moment(text)
    total = nanoseconds + _duration(duration)
    try:
        moment += timedelta(seconds=total // 10**9)
    except OverflowError:
        raise FailureError("the time is too far away") from None
    zone = "Z" if moment.utcoffset() == timedelta() else _zone(moment, ":")
    return moment.strftime("%Y").zfill(4) + moment.strftime("-%m-%dT%H:%M:%S") + zone


def _duration(text: str) -> int:
    """Read a duration of Go's, in nanoseconds."""
    bare = text[1:] if text[:1] in ("+", "-") else text
    found = _DURATION.findall(bare)
    if bare != "0" and (not found or "".join(amount + unit for amount, unit in found) != bare or len(bare) > 100):  # noqa: PLR2004  (a human wrote it)
        raise FailureError("a duration such as 1h30m was expected")
    total = sum(int(Fraction(amount) * _NANOSECONDS[unit]) for amount, unit in found)
    if total >= 1 << 63:
        raise FailureError("the duration is too long")
    return -total if text.startswith("-") else total


def _timecmp(first: str, second: str) -> int:
    one, other = _moment(first), _moment(second)
    return (one > other) - (one < other)


def _formatdate(source: str, text: str) -> str:
    moment, _ = _moment(text)
    pieces = []
    for match in _PART.finditer(source):
        if match["open"]:
            raise FailureError("the format of the date has a quote that is never closed")
        if match["letters"]:
            pieces.append(_field(match["letters"], moment))
        elif match["quoted"] is not None:
            pieces.append(match["quoted"].replace("''", "'"))
        else:
            pieces.append(match["other"])
    return "".join(pieces)


def _field(letters: str, moment: datetime) -> str:
    """Write what a run of one letter stands for."""
    month, day = _MONTHS[moment.month - 1], _DAYS[moment.weekday()]
    half = "am" if moment.hour < _DAY // 2 else "pm"
    fields = {
        "YYYY": f"{moment.year:04}",
        "YY": f"{moment.year % 100:02}",
        "MMMM": month,
        "MMM": month[:3],
        "EEEE": day,
        "EEE": day[:3],
        "AA": half.upper(),
        "aa": half,
        "ZZZZZ": _zone(moment, ":"),
        "ZZZZ": _zone(moment, ""),
        "ZZZ": "UTC" if moment.utcoffset() == timedelta() else _zone(moment, ""),
        "Z": "Z" if moment.utcoffset() == timedelta() else _zone(moment, ":"),
    }
    numbers = {
        "M": moment.month,
        "D": moment.day,
        "h": moment.hour,
        "H": (moment.hour + 11) % 12 + 1,
        "m": moment.minute,
        "s": moment.second,
    }
    if letters in fields:
        return fields[letters]
    if letters[0] in numbers and len(letters) <= 2:  # noqa: PLR2004  (digits)
        return str(numbers[letters[0]]).zfill(len(letters))
    raise FailureError(f"the format of the date has {letters!r}, which stands for nothing")


_TABLE: tuple[tuple[str, str, Run], ...] = (
    ("formatdate", "string string -> string", known(_formatdate)),
    ("timeadd", "string string -> string", known(_timeadd)),
    ("timecmp", "string string -> number", known(_timecmp)),
)
DATES: dict[str, Function] = {name: function(name, signature, run) for name, signature, run in _TABLE}
