"""Split HCL text into its top-level blocks, linearly and before any grammar.

Addresses and lines never depend on the grammar, a broken block costs that block only, and the text that reaches the
grammar holds neither comments nor heredocs: both are blanked in place, so that offsets stay valid.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from mlguard.errors import ParseError
from mlguard.source import Document

_TOKEN = re.compile(
    r'(?P<quote>")|(?P<comment>\#[^\n]*|//[^\n]*|/\*)|<<(?P<indent>-?)(?P<marker>[^\W\d][\w.-]*)[ \t]*\r?\n'
    r"|(?P<open>[{(\[])|(?P<close>[})\]])"
)
_IN_STRING = re.compile(
    r'(?:[^"\\$%\n]|\\[^\n]|\$\$\{|%%\{|\$(?!\{)|%(?!\{))*(?:(?P<end>")|(?P<interpolation>[$%]\{)|\n|\Z)'
)
_HEADER = re.compile(
    r'(?P<type>[^\W\d][\w-]*)(?P<labels>(?:[ \t]+[\w.-]+|[ \t]*"(?:[^"\\\n]|\\.)*")*)[ \t]*\r?\n?[ \t]*\{'
)
_LABEL = re.compile(r'"((?:[^"\\\n]|\\.)*)"|([\w.-]+)')
_NEXT_BLOCK = re.compile(
    r"(?m)^(?:resource|data|variable|locals|module|provider|output|terraform|moved|import|check|removed|ephemeral)\b"
)
_BLANKS = re.compile(r"[ \t\r\n]*")
_CLOSERS = {"{": "}", "(": ")", "[": "]", "${": "}"}
_NOT_NEWLINE = re.compile(r"[^\n]")
_MAX_DEPTH = 200
_MAX_BROKEN = 50


@dataclass(frozen=True, slots=True)
class Block:
    """A top-level block: `start` and `end` are offsets of the whole, `header_end` is that of its opening brace."""

    type: str
    labels: tuple[str, ...]
    start: int
    header_end: int
    end: int


@dataclass(frozen=True, slots=True)
class Heredoc:
    """Where the body of a heredoc stands; `indented` for the `<<-` form."""

    start: int
    end: int
    indented: bool


@dataclass(slots=True, eq=False)
class HclText:
    """A file's text for the grammar, its blocks, its heredocs by the offset of their `<<`, and what is broken."""

    document: Document
    normal: str = ""
    blocks: list[Block] = field(default_factory=list)
    heredocs: dict[int, Heredoc] = field(default_factory=dict)
    problems: list[ParseError] = field(default_factory=list)


class _BrokenError(Exception):
    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset


def split_blocks(document: Document) -> HclText:
    """Find the top-level blocks of a `.tf` file; a broken one becomes a problem and the next one is looked for."""
    scanner = _Scanner(document)
    scanner.blocks()
    return scanner.finished()


def normalise_text(document: Document) -> HclText:
    """Prepare a file of attributes (`.tfvars`) for the grammar."""
    scanner = _Scanner(document)
    try:
        scanner.scan(0, len(document.text), None)
    except _BrokenError as error:
        scanner.problem(error)
    return scanner.finished()


class _Scanner:
    def __init__(self, document: Document) -> None:
        self._text = document.text
        self._hcl = HclText(document)
        self._edits: list[tuple[int, int, str]] = []

    def finished(self) -> HclText:
        pieces: list[str] = []
        last = 0
        for start, end, replacement in self._edits:
            if start >= last:
                pieces += (self._text[last:start], replacement)
                last = end
        pieces.append(self._text[last:])
        self._hcl.normal = "".join(pieces)
        return self._hcl

    def problem(self, error: _BrokenError) -> None:
        at = self._hcl.document.span(error.offset, error.offset)
        self._hcl.problems.append(ParseError(error.message, at.path, at.line, at.column))

    def blocks(self) -> None:
        position = 0
        while True:
            try:
                position = self._to_code(position)
                if position >= len(self._text):
                    return
                position = self._block(position)
            except _BrokenError as error:
                self.problem(error)
                if len(self._hcl.problems) > _MAX_BROKEN:
                    return  # whatever this file is, looking further would only cost time
                following = _NEXT_BLOCK.search(self._text, position + 1)
                if following is None:
                    return
                position = following.start()
                self._edits = [edit for edit in self._edits if edit[1] <= position]

    def _to_code(self, position: int) -> int:
        """Pass over blanks and comments between blocks."""
        while True:
            match = _BLANKS.match(self._text, position)
            position = match.end() if match else position
            if self._text.startswith(("#", "//", "/*"), position):
                position = self._comment(position)
            else:
                return position

    def _comment(self, start: int) -> int:
        if self._text.startswith("/*", start):
            end = self._text.find("*/", start + 2)
            if end < 0:
                raise _BrokenError("this comment is never closed", start)
            end += 2
        else:
            end = self._text.find("\n", start)
            end = len(self._text) if end < 0 else end
        self._blank(start, end)
        return end

    def _blank(self, start: int, end: int) -> None:
        self._edits.append((start, end, _NOT_NEWLINE.sub(" ", self._text[start:end])))

    def _block(self, start: int) -> int:
        header = _HEADER.match(self._text, start)
        if header is None:
            raise _BrokenError("expected a block: a type, labels and {", start)
        opening = header.end() - 1
        end = self.scan(opening, len(self._text), start)
        labels = tuple(quoted or bare for quoted, bare in _LABEL.findall(header["labels"]))
        self._hcl.blocks.append(Block(header["type"], labels, start, opening, end))
        return end

    def scan(self, position: int, limit: int, block: int | None) -> int:
        """Go from an opening bracket to behind its closer, or over a whole text; blank what the grammar cannot read."""
        stack: list[tuple[str, int]] = []
        newlines_from = position
        while True:
            match = _TOKEN.search(self._text, position, limit)
            self._blank_newlines(stack, newlines_from, match.start() if match else limit)
            if match is None:
                if stack or block is not None:
                    raise _BrokenError(
                        f'"{stack[-1][0] if stack else "{"}" is never closed', stack[-1][1] if stack else position
                    )
                return limit
            position = self._token(match, stack)
            newlines_from = position
            if not stack and block is not None and match.lastgroup == "close":
                return position

    def _token(self, match: re.Match[str], stack: list[tuple[str, int]]) -> int:
        if match["quote"]:
            return self._string(match.end(), match.start(), stack)
        if match["comment"]:
            return self._comment(match.start())
        if match["open"]:
            if len(stack) >= _MAX_DEPTH:
                raise _BrokenError(f"nested deeper than {_MAX_DEPTH} levels", match.start())
            stack.append((match["open"], match.start()))
            return match.end()
        if match["close"]:
            return self._close(match, stack)
        return self._heredoc(match)

    def _close(self, match: re.Match[str], stack: list[tuple[str, int]]) -> int:
        if not stack:
            raise _BrokenError(f'"{match["close"]}" closes nothing', match.start())
        opener, start = stack.pop()
        if _CLOSERS[opener] != match["close"]:
            raise _BrokenError(f'"{match["close"]}" does not close the "{opener}" before it', match.start())
        return self._string(match.end(), start, stack) if opener == "${" else match.end()

    def _string(self, position: int, start: int, stack: list[tuple[str, int]]) -> int:
        match = _IN_STRING.match(self._text, position)
        if match is None or not (match["end"] or match["interpolation"]):
            raise _BrokenError("this text is never closed", start)
        if match["interpolation"]:
            if len(stack) >= _MAX_DEPTH:
                raise _BrokenError(f"nested deeper than {_MAX_DEPTH} levels", start)
            stack.append(("${", start))
        return match.end()

    def _heredoc(self, match: re.Match[str]) -> int:
        closing = re.compile(rf"^[ \t]*{re.escape(match['marker'])}[ \t]*(?=\r?$)", re.MULTILINE)
        end = closing.search(self._text, match.end())
        if end is None:
            raise _BrokenError(f"this heredoc is never closed by {match['marker']}", match.start())
        self._hcl.heredocs[match.start()] = Heredoc(match.end(), end.start(), bool(match["indent"]))
        width = end.end() - match.start()
        self._edits.append((match.start(), end.end(), '""' + " " * (width - 2)))
        return end.end()

    def _blank_newlines(self, stack: list[tuple[str, int]], start: int, end: int) -> None:
        """Inside of parentheses, brackets and interpolations a line break means nothing; the grammar disagrees."""
        if not stack or stack[-1][0] == "{":
            return
        position = self._text.find("\n", start, end)
        while position >= 0:
            self._edits.append((position, position + 1, " "))
            position = self._text.find("\n", position + 1, end)


def label_of(block: Block, index: int) -> str:
    """Give a label of a block, empty where it has none."""
    return block.labels[index] if index < len(block.labels) else ""


__all__ = ["Block", "HclText", "Heredoc", "label_of", "normalise_text", "split_blocks"]
