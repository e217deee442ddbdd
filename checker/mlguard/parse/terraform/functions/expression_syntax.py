"""Regular expressions as Go reads them: https://github.com/google/re2/wiki/Syntax.

Terraform evaluates regular expressions in linear time; Python's module may need time without end for them.
"""

from __future__ import annotations

import re

from mlguard.parse.terraform.failure import FailureError, NotEvaluatedError
from mlguard.parse.terraform.functions.character_class import ANY, NOT_NEWLINE, POSIX, Characters, perl, property_of
from mlguard.record import field, record, replace

_MAX_SOURCE = 5_000
_MAX_REPEAT = 1_000
_MAX_DEPTH = 60
_COUNT = re.compile(r"\{(\d+)(,?)(\d*)\}")
_GROUP = re.compile(r"\?(?:P?<(?P<name>\w+)>|(?P<flags>[imsU]*(?:-[imsU]+)?)(?P<end>[:)]))", re.ASCII)
_CONTROL = {"a": "\a", "f": "\f", "t": "\t", "n": "\n", "r": "\r", "v": "\v"}
_ASSERTIONS = {"A": "begin", "z": "end", "b": "word", "B": "no word"}
_LAST = 0x10FFFF


@record()
class Alternatives:
    """One of several sequences, the first that fits."""

    sequences: list[list[Part]]


@record()
class Group:
    """A part whose text is kept; its number is counted from 1."""

    number: int
    inner: Alternatives


@record()
class Repeated:
    """A part that is repeated; `most` is None where there is no limit."""

    part: Part
    least: int
    most: int | None
    greedy: bool


Part = Characters | str | Alternatives | Group | Repeated
"""A `str` is an assertion about a place."""


@record(frozen=False)
class Syntax:
    """A regular expression: its parts, how many groups it has, and the names of those that have one."""

    root: Alternatives
    groups: int = 0
    names: dict[int, str] = field(default_factory=dict)


@record()
class _Flags:
    ignore_case: bool = False
    lines: bool = False
    dot_all: bool = False
    lazy: bool = False

    def changed(self, letters: str) -> _Flags:
        on, _, off = letters.partition("-")
        names = {"i": "ignore_case", "m": "lines", "s": "dot_all", "U": "lazy"}
        return replace(self, **{names[letter]: True for letter in on}, **{names[letter]: False for letter in off})


def read(source: str) -> Syntax:
    """Read a regular expression; FailureError where Go refuses it."""
    if len(source) > _MAX_SOURCE:
        raise NotEvaluatedError(f"a regular expression of more than {_MAX_SOURCE:,} characters")
    reader = _Reader(source)
    reader.syntax.root = reader.alternatives(_Flags(), 0)
    if reader.position < len(source):
        raise FailureError("the regular expression closes a group that is not open")
    return reader.syntax


class _Reader:
    def __init__(self, source: str) -> None:
        self.source = source
        self.position = 0
        self.syntax = Syntax(Alternatives([]))

    def alternatives(self, flags: _Flags, depth: int) -> Alternatives:
        if depth > _MAX_DEPTH:
            raise NotEvaluatedError("the regular expression is nested too deeply")
        sequences: list[list[Part]] = [[]]
        while self.position < len(self.source) and self.source[self.position] != ")":
            if self._take("|"):
                sequences.append([])
            elif self.source.startswith("(", self.position):
                self.position += 1
                match = _GROUP.match(self.source, self.position)
                if match and match["end"] == ")":
                    self.position = match.end()
                    flags = flags.changed(match["flags"])
                else:
                    sequences[-1].append(self._repeats(self._group(match, flags, depth), flags))
            else:
                for part in self._single(flags):
                    sequences[-1].append(part)
                sequences[-1].append(self._repeats(sequences[-1].pop(), flags))
        return Alternatives(sequences)

    def _take(self, text: str) -> bool:
        found = self.source.startswith(text, self.position)
        self.position += len(text) if found else 0
        return found

    def _group(self, match: re.Match[str] | None, flags: _Flags, depth: int) -> Part:
        number = 0
        if match is None and self.source.startswith("?", self.position):
            raise FailureError("the regular expression has a group of an unknown kind")
        if match is None or match["name"]:
            self.syntax.groups = number = self.syntax.groups + 1
        if match is not None:
            self.position = match.end()
            if match["name"]:
                self.syntax.names[number] = match["name"]
            flags = flags.changed(match["flags"] or "")
        inner = self.alternatives(flags, depth + 1)
        if not self._take(")"):
            raise FailureError("the regular expression has a group that is never closed")
        return Group(number, inner) if number else inner

    def _repeats(self, part: Part, flags: _Flags) -> Part:
        """Read what follows a part: how often it is repeated."""
        bounds = self._bounds()
        if bounds is None:
            return part
        greedy = self._take("?") is flags.lazy
        if self._bounds() is not None:
            raise FailureError("the regular expression repeats a repetition")
        return Repeated(part, *bounds, greedy)

    def _bounds(self) -> tuple[int, int | None] | None:
        for sign, bounds in (("*", (0, None)), ("+", (1, None)), ("?", (0, 1))):
            if self._take(sign):
                return bounds
        match = _COUNT.match(self.source, self.position)
        if match is None:
            return None
        self.position = match.end()
        least = int(match[1][:5])
        most = int(match[3][:5]) if match[3] else None if match[2] else least
        if max(least, most or 0) > _MAX_REPEAT or (most is not None and most < least):
            raise FailureError("the regular expression repeats too often")
        return least, most

    def _single(self, flags: _Flags) -> list[Part]:
        """Read one character, class or assertion, or several quoted characters."""
        character = self.source[self.position]
        if character in "*+?" or (character == "{" and _COUNT.match(self.source, self.position)):
            raise FailureError("the regular expression repeats nothing")
        self.position += 1
        if character == ".":
            return [ANY if flags.dot_all else NOT_NEWLINE]
        if character == "^":
            return ["line begin" if flags.lines else "begin"]
        if character == "$":
            return ["line end" if flags.lines else "end"]
        if character == "[":
            return [self._class(flags)]
        if character == "\\":
            return self._escape(flags)
        return [Characters.of(character, ignore_case=flags.ignore_case)]

    def _escape(self, flags: _Flags) -> list[Part]:
        letter = self.source[self.position : self.position + 1]
        if letter in _ASSERTIONS and letter:
            self.position += 1
            return [_ASSERTIONS[letter]]
        if letter == "Q":
            end = self.source.find("\\E", self.position)
            quoted = self.source[self.position + 1 : end if end >= 0 else None]
            self.position = end + 2 if end >= 0 else len(self.source)
            return [Characters.of(character, ignore_case=flags.ignore_case) for character in quoted] or [
                Alternatives([[]])
            ]
        found = self._shared_escape()
        if isinstance(found, str):
            return [Characters.of(found, ignore_case=flags.ignore_case)]
        return [replace(found, ignore_case=flags.ignore_case)]

    def _shared_escape(self) -> str | Characters:
        """Read what stands behind a backslash in and out of classes: a character, or a class of them."""
        letter = self.source[self.position : self.position + 1]
        self.position += 1
        if letter.lower() in ("d", "s", "w") and letter:
            return perl(letter)
        if letter in ("p", "P"):
            end = self.position + 1
            if self._take("{"):
                end = self.source.find("}", self.position)
            name = self.source[self.position : max(end, self.position)]
            self.position = end + (1 if self.source[end : end + 1] == "}" and end > self.position else 0)
            return property_of(name, negated=letter == "P")
        if letter in _CONTROL:
            return _CONTROL[letter]
        match = re.compile(r"x([0-9A-Fa-f]{2})|x\{([0-9A-Fa-f]{1,6})\}|(0[0-7]{0,2}|[1-7][0-7]{1,2})").match(
            self.source, self.position - 1
        )
        if match is not None:
            self.position = match.end()
            code = int(match[3], 8) if match[3] else int(match[1] or match[2], 16)
            if code <= _LAST:
                return chr(code)
        elif letter.isascii() and letter and not letter.isalnum():
            return letter
        raise FailureError("the regular expression has an escape that does not exist")

    def _class(self, flags: _Flags) -> Characters:
        negated = self._take("^")
        found = Characters((), negated=negated, ignore_case=flags.ignore_case)
        first = True
        while first or not self.source.startswith("]", self.position):
            first = False
            if self.position >= len(self.source):
                raise FailureError("the regular expression has a class that is never closed")
            found = found.with_part(self._class_part())
        self.position += 1
        return found

    def _class_part(self) -> Characters:
        """Read a range, a character or a named class."""
        end = self.source.find(":]", self.position)
        if self.source.startswith("[:", self.position) and end >= 0:
            name = self.source[self.position + 2 : end]
            self.position = end + 2
            if name.removeprefix("^") not in POSIX:
                raise FailureError("the regular expression has a class of an unknown name")
            return replace(POSIX[name.removeprefix("^")], negated=name.startswith("^"))
        low = self._class_character()
        if isinstance(low, Characters):
            return low
        high: str | Characters = low
        if self.source.startswith("-", self.position) and self.source[self.position + 1 : self.position + 2] != "]":
            self.position += 1
            if self.position >= len(self.source):
                raise FailureError("the regular expression has a class that is never closed")
            high = self._class_character()
        if isinstance(high, Characters) or high < low:
            raise FailureError("the regular expression has a range that ends before it begins")
        return Characters(((ord(low), ord(high)),))

    def _class_character(self) -> str | Characters:
        if self._take("\\"):
            return self._shared_escape()
        self.position += 1
        return self.source[self.position - 1]
