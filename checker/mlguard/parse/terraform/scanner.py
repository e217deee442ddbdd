"""Split a Terraform file into its blocks in linear time, before any grammar looks at it.

What depends on this and not on the grammar: addresses, line numbers, and that one broken block costs only itself.
Comments, heredocs and templates that the grammar does not read right are noted as edits: `blanked` gives a text of
the same length in which the grammar meets none of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from mlguard.errors import ParseError
from mlguard.record import field, record
from mlguard.source import Document

_EVENT = re.compile(
    r"""(?:[^"#/<{}()\[\]]++|/(?![/*])|<(?!<)|"(?:[^"\\$%\n]++|\\[^\n]|\$(?![{$])|%(?![{%]))*+")*+"""
    r"(?:(?P<open>[{(\[])|(?P<close>[})\]])"
    r'|(?P<quote>")|(?P<line>#|//)|(?P<comment>/\*)'
    r"|(?P<heredoc><<-?(?P<mark>[^\W\d][\w.-]*)[ \t]*\r?\n)|(?P<other><))"
)
_IN_STRING = re.compile(
    r'(?:[^"\\$%\n]++|\\[^\n]|\$\$\{|%%\{|\$(?!\{|\$\{)|%(?!\{|%\{))*'
    r'(?:(?P<end>")|(?P<open>[$%]\{))'
)
_UNUSUAL = re.compile(r"\$\$\{|%%\{|%\{|\$\{~|~\}|\n")
_BLANK = re.compile(r"(?:\s++|(?:#|//)[^\n]*+)*")
_APART = r"(?:[ \t]|/\*(?:[^*\n]|\*(?!/))*+\*/)*+"
_HEADER = re.compile(
    r"(?P<type>[^\W\d][\w-]*)(?P<labels>(?:" + _APART + r'(?:"[^"\n]*"|(?<=[ \t/])[\w.-]+))*+)' + _APART + r"\{"
)
_LABEL = re.compile(r'(?P<comment>/\*.*?\*/)|"(?P<quoted>[^"]*)"|(?P<word>[\w.-]+)')
_RESUME = re.compile(
    r"^(?:resource|data|module|variable|output|locals|provider|terraform|moved|import|removed|check|ephemeral)"
    r"\b[^\n{=]*\{",
    re.MULTILINE,
)
_NOT_NEWLINE = re.compile(r"[^\n]")
_PAIRS = {"}": ("{", "${"), ")": ("(",), "]": ("[",)}
_MAX_DEPTH = 2_000
_MAX_BROKEN = 20
MAX_BLOCK = 500_000

EditKind = Literal["comment", "heredoc", "quoted"]


@record()
class Edit:
    """A stretch that the grammar must not see; for a template, where its text begins and ends."""

    start: int
    end: int
    kind: EditKind
    body_start: int = 0
    body_end: int = 0


@record()
class ScannedBlock:
    """A block at the top of a file: its header, where it stands, and the edits inside of it."""

    document: Document
    type: str
    labels: tuple[str, ...]
    start: int
    end: int
    header_end: int
    edits: tuple[Edit, ...]

    @property
    def text(self) -> str:
        """Give the text of the whole block."""
        return self.document.text[self.start : self.end]


@record(frozen=False)
class Scanned:
    """The blocks of a file, and what of it could not be split."""

    blocks: list[ScannedBlock] = field(default_factory=list)
    problems: list[ParseError] = field(default_factory=list)


class BrokenError(Exception):
    """The text stops making sense at `offset`; `final` where it is no use to go on after it."""

    def __init__(self, message: str, offset: int, *, final: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset
        self.final = final


class Skipper:
    """Find where brackets, strings, comments and heredocs end; `edits` collects what the grammar must not see."""

    def __init__(self, text: str, limit: int | None = None) -> None:
        self.text = text
        self.limit = len(text) if limit is None else limit
        self.edits: list[Edit] = []

    def close(self, position: int, opener: str) -> int:
        """Give the offset after the bracket that closes `opener`, which ends at `position`."""
        stack = [(opener, position)]
        while stack:
            position = self._step(position, stack)
        return position

    def run(self, position: int) -> None:
        """Read to the limit; every bracket must be closed there."""
        stack: list[tuple[str, int]] = []
        while position >= 0:
            position = self._step(position, stack)

    def _step(self, position: int, stack: list[tuple[str, int]]) -> int:
        match = _EVENT.match(self.text, position, self.limit)
        if match is None:
            if not stack:
                return -1
            opener, at = stack[0]
            raise BrokenError(f"`{opener}` is never closed", at - 1)
        kind, end = match.lastgroup, match.end()
        if kind == "open":
            stack.append((match["open"], end))
            if len(stack) > _MAX_DEPTH:
                raise BrokenError(f"nested more than {_MAX_DEPTH:,} levels deep", end - 1, final=True)
            return end
        if kind == "close":
            return self._closed(match["close"], end, stack)
        if kind == "quote":
            stack.append(('"', end - 1))
            return self._string(end, stack)
        return end if kind == "other" else self._skipped(match, kind)

    def _closed(self, bracket: str, end: int, stack: list[tuple[str, int]]) -> int:
        if not stack or stack[-1][0] not in _PAIRS[bracket]:
            raise BrokenError(f"`{bracket}` closes nothing", end - 1)
        opener, _ = stack.pop()
        return self._string(end, stack) if opener == "${" and stack else end

    def _string(self, position: int, stack: list[tuple[str, int]]) -> int:
        """Go on in a string; its own entry lies on top of the stack."""
        match = _IN_STRING.match(self.text, position, self.limit)
        if match is None:
            raise BrokenError("a text in quotes is not closed on its line", stack[-1][1])
        if match["open"]:
            stack.append(("${", match.end()))
            if len(stack) > _MAX_DEPTH:
                raise BrokenError(f"nested more than {_MAX_DEPTH:,} levels deep", match.start(), final=True)
            return match.end()
        _, start = stack.pop()
        end = match.end()
        if _UNUSUAL.search(self.text, start, end):
            self._replace(Edit(start, end, "quoted", start + 1, end - 1))
        return end

    def _skipped(self, match: re.Match[str], kind: str | None) -> int:
        text, start = self.text, match.start(kind or 0)
        if kind == "line":
            end = text.find("\n", start, self.limit)
            end = self.limit if end < 0 else end
            self.edits.append(Edit(start, end, "comment"))
            return end
        if kind == "comment":
            end = text.find("*/", start + 2, self.limit)
            if end < 0:
                raise BrokenError("the comment is never closed", start)
            self.edits.append(Edit(start, end + 2, "comment"))
            return end + 2
        mark = re.compile(r"^[ \t]*" + re.escape(match["mark"]) + r"[ \t]*(?=\r?$)", re.MULTILINE)
        closing = mark.search(text, match.end(), self.limit)
        if closing is None:
            raise BrokenError(f"the heredoc is never closed by {match['mark']}", start)
        self._replace(Edit(start, closing.end(), "heredoc", match.end(), closing.start()))
        return closing.end()

    def _replace(self, edit: Edit) -> None:
        """Note a template; the edits inside of it do not matter any more."""
        while self.edits and self.edits[-1].start > edit.start:
            self.edits.pop()
        self.edits.append(edit)


def blanked(text: str, start: int, end: int, edits: Iterator[Edit] | tuple[Edit, ...] | list[Edit]) -> str:
    """Give `text[start:end]` with comments as blanks and noted templates as `""`, its length unchanged."""
    pieces = []
    position = start
    for edit in edits:
        old = text[edit.start : edit.end]
        pieces.append(text[position : edit.start])
        pieces.append(_NOT_NEWLINE.sub(" ", old) if edit.kind == "comment" else '""' + " " * (len(old) - 2))
        position = edit.end
    pieces.append(text[position:end])
    return "".join(pieces)


def scan(document: Document) -> Scanned:
    """Split a file into blocks; never raises for what the file holds."""
    text, scanned = document.text, Scanned()
    position = 0
    while position < len(text):
        begin = position
        try:
            begin = position = _skip_blank(text, position)
            if begin < len(text):
                position = _block(document, begin, scanned)
        except BrokenError as error:
            scanned.problems.append(problem(document, error))
            following = _RESUME.search(text, begin + 1)
            if following is None or error.final:
                break
            if len(scanned.problems) >= _MAX_BROKEN:
                scanned.problems.append(
                    ParseError(f"{_MAX_BROKEN} blocks are broken: the rest of the file is not read", document.path)
                )
                break
            position = following.start()
    return scanned


def problem(document: Document, error: BrokenError) -> ParseError:
    """Turn a scanner's complaint into a problem with its place."""
    at = document.span(error.offset, error.offset)
    return ParseError(f"not valid Terraform: {error.message}", document.path, at.line, at.column)


def _skip_blank(text: str, position: int) -> int:
    while True:
        match = _BLANK.match(text, position)
        position = match.end() if match else position
        if not text.startswith("/*", position):
            return position
        end = text.find("*/", position + 2)
        if end < 0:
            raise BrokenError("the comment is never closed", position, final=True)
        position = end + 2


def _block(document: Document, begin: int, scanned: Scanned) -> int:
    text = document.text
    header = _HEADER.match(text, begin)
    if header is None:
        raise BrokenError("a block was expected here", begin)
    skipper = Skipper(text)
    end = skipper.close(header.end(), "{")
    labels, edits = [], []
    for part in _LABEL.finditer(text, header.start("labels"), header.end()):
        if part["comment"]:
            edits.append(Edit(part.start(), part.end(), "comment"))
        else:
            labels.append(part["word"] or part["quoted"])
    edits += skipper.edits
    last = header.end("labels")
    scanned.blocks.append(ScannedBlock(document, header["type"], tuple(labels), begin, end, last, tuple(edits)))
    return end
