"""The patterns of a `.gitignore`, matched as git matches them, in time that grows with the path and the pattern only.

Git works on bytes: `?` is one of them. A pattern without a slash inside is for names at any depth, any other one for
paths below the folder of its file. Of several that match, the last one counts.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from operator import methodcaller

from mlguard.record import record

MAX_BYTES = 200_000
MAX_PATTERNS = 2_000
_SPECIAL = b"*?[\\"
_CLASSES = {
    b"alnum": rb"A-Za-z0-9", b"alpha": rb"A-Za-z", b"blank": rb" \t", b"cntrl": rb"\x00-\x1f\x7f", b"digit": rb"0-9",
    b"graph": rb"!-~", b"lower": rb"a-z", b"print": rb" -~", b"punct": rb"!-/:-@\[-`{-~", b"space": rb" \t-\r",
    b"upper": rb"A-Z", b"xdigit": rb"0-9A-Fa-f",
}  # fmt: skip
_NEVER = rb"(?!)"
_Token = tuple[str, bytes]


@record()
class Pattern:
    """One line: what it matches, whether it takes back an earlier one, and whether it is for folders only.

    Most are a `literal`, or a star and an `ending`: those can be told for all lines of a file at once.
    """

    matches: Callable[[bytes], object]
    of_names: bool
    negated: bool
    of_folders: bool
    literal: bytes = b""
    ending: bytes = b""


class Patterns:
    """The patterns of one file, for what is below its folder."""

    def __init__(self, content: bytes) -> None:
        lines = content.removeprefix(b"\xef\xbb\xbf").split(b"\n")
        found = [_line(line.removesuffix(b"\r")) for line in lines]
        self._patterns = [one for one in reversed(found) if one is not None]
        self._names = frozenset(one.literal for one in self._patterns if one.of_names)
        self._paths = frozenset(one.literal for one in self._patterns if not one.of_names)
        self._endings = tuple({one.ending for one in self._patterns if one.ending})
        others = [one for one in self._patterns if not one.literal and not one.ending]
        self._of_names = [one.matches for one in others if one.of_names]
        self._of_paths = [one.matches for one in others if not one.of_names]

    def __len__(self) -> int:
        """Give how many patterns there are."""
        return len(self._patterns)

    def ignores(self, path: bytes, *, is_folder: bool) -> bool | None:
        """Tell whether a path below the folder is ignored; None where no pattern speaks of it."""
        name = path.rpartition(b"/")[2]
        if not self._speak_of(name, path):
            return None
        for one in self._patterns:
            if (is_folder or not one.of_folders) and one.matches(name if one.of_names else path):
                return not one.negated
        return None

    def _speak_of(self, name: bytes, path: bytes) -> bool:
        """Tell whether any pattern matches, be it for folders only: for most paths, none does."""
        if name in self._names or path in self._paths or name.endswith(self._endings):
            return True
        if any([matches(name) for matches in self._of_names]):  # noqa: C419  (a generator takes twice as long)
            return True
        return any([matches(path) for matches in self._of_paths])  # noqa: C419  (as above)


def _pattern(line: bytes) -> Pattern | None:
    if line.startswith(b"#"):
        return None
    line = _without_trailing_spaces(line)
    negated = line.startswith(b"!")
    line = line[negated:]
    of_folders = line.endswith(b"/")
    line = line.removesuffix(b"/")
    if not line:
        return None
    of_names = b"/" not in line
    line = line.removeprefix(b"/")
    if line.startswith(b"**/") and line[3:] and b"/" not in line[3:]:
        line, of_names = line[3:], True
    length = _literal_length(line)
    if length == len(line):
        return Pattern(line.__eq__, of_names, negated, of_folders, literal=line)
    if of_names and line.startswith(b"*") and _literal_length(line[1:]) == len(line) - 1:
        return Pattern(methodcaller("endswith", line[1:]), of_names, negated, of_folders, ending=line[1:])
    source = _names(line) if of_names else _paths(line)
    return Pattern(re.compile(rb"(?s)" + source + rb"\Z").match, of_names, negated, of_folders)


_known = lru_cache(maxsize=4096)(_pattern)
_USUAL = 200  # a longer line is not kept


def _line(line: bytes) -> Pattern | None:
    """Read a line, once for all the files that have the same."""
    return _known(line) if len(line) <= _USUAL else _pattern(line)


def _without_trailing_spaces(line: bytes) -> bytes:
    end, index = len(line), 0
    first_space = None
    while index < end:
        if line[index : index + 1] == b" ":
            first_space = index if first_space is None else first_space
        else:
            first_space = None
            if line[index : index + 1] == b"\\":
                index += 1
                if index == end:
                    return line
        index += 1
    return line if first_space is None else line[:first_space]


def _literal_length(pattern: bytes) -> int:
    return next((index for index, byte in enumerate(pattern) if byte in _SPECIAL), len(pattern))


def _names(pattern: bytes) -> bytes:
    """Give the expression for a name: it has no slash, so that all stars are alike."""
    return _joined(_tokens(pattern, in_path=False))


def _paths(pattern: bytes) -> bytes:
    """Give the expression for a path; git compares the text before the first special character on its own."""
    length = _literal_length(pattern)
    return re.escape(pattern[:length]) + _joined(_tokens(pattern[length:], in_path=True))


def _tokens(pattern: bytes, *, in_path: bool) -> list[_Token]:
    """Take a pattern apart: `one` byte as an expression, `star`, `folders` for `**/`, `all` for `**` at the end."""
    tokens: list[_Token] = []
    index = 0
    while index < len(pattern):
        char = pattern[index : index + 1]
        if char == b"*":
            end = index
            while pattern[end : end + 1] == b"*":
                end += 1
            token, index = _star(pattern, index, end) if in_path else (("star", b""), end)
            tokens.append(token)
        elif char == b"?":
            tokens.append(("one", b"[^/]"))
            index += 1
        elif char == b"[":
            expression, index = _class(pattern, index + 1)
            tokens.append(("one", expression))
        else:
            if char == b"\\":
                index += 1
                char = pattern[index : index + 1]
            tokens.append(("one", re.escape(char) if char else _NEVER))
            index += 1
    return tokens


def _star(pattern: bytes, start: int, end: int) -> tuple[_Token, int]:
    """Tell what stars mean: several of them between slashes stand for folders, all others for a part of a name."""
    if end - start == 1 or pattern[max(start - 1, 0) : start] not in (b"", b"/"):
        return ("star", b""), end
    if end == len(pattern):
        return ("all", b""), end
    if pattern.startswith(b"/", end):
        return ("folders", b"(?:|.*?/)"), end + 1
    if pattern.startswith(b"\\/", end):
        return ("folders", b".*?/"), end + 2  # for git, at least one folder
    return ("star", b""), end


def _joined(tokens: list[_Token]) -> bytes:
    """Write the expression so that nothing is tried twice: what follows a star is taken where it is found first.

    A later place could only be wanted for what comes after the next star, and that star reaches it as well.
    """
    blocks: list[tuple[bytes, list[_Token]]] = [(b"", [])]
    for kind, expression in tokens:
        if kind == "folders":
            blocks.append((expression, []))
        else:
            blocks[-1][1].append((kind, expression))
    written = _block(blocks[0][1], last=len(blocks) == 1)
    for number, (folders, block) in enumerate(blocks[1:], 2):
        last = number == len(blocks)
        inner = folders + _block(block, last=last)
        written += inner if last else rb"(?>" + inner + rb")"
    return written


def _block(tokens: list[_Token], *, last: bool) -> bytes:
    pieces: list[list[bytes]] = [[]]
    for kind, expression in tokens:
        if kind == "star":
            pieces.append([])
        else:
            pieces[-1].append(b".*" if kind == "all" else expression)
    written = b"".join(pieces[0])
    for number, piece in enumerate(pieces[1:], 2):
        inner = b"[^/]*?" + b"".join(piece)
        ends = last and number == len(pieces)
        written += inner if ends else b"(?>" + inner + b")"
    return written


def _class(pattern: bytes, index: int) -> tuple[bytes, int]:
    """Read `[…]`; one that is never closed matches nothing."""
    negated = pattern[index : index + 1] in (b"!", b"^")
    index += negated
    members: list[bytes] = []
    first = index
    while index == first or pattern[index : index + 1] != b"]":
        found, index = _members(pattern, index)
        if found is None:
            return _NEVER, len(pattern)
        members.append(found)
    inside = b"".join(members)
    if not inside:
        return (b"[^/]" if negated else _NEVER), index + 1
    return b"(?!/)[" + (b"^" if negated else b"") + inside + b"]", index + 1


def _members(pattern: bytes, index: int) -> tuple[bytes | None, int]:
    """Read one byte, a range or a named class; None where there is none, or the class is never closed."""
    end = pattern.find(b"]", index + 2) if pattern.startswith(b"[:", index) else 0
    if end < 0:
        return None, index
    if end > index + 2 and pattern[end - 1 : end] == b":":
        return _CLASSES.get(pattern[index + 2 : end - 1]), end + 1
    low, index = _member(pattern, index)
    if low is None or pattern[index : index + 1] != b"-" or pattern[index + 1 : index + 2] in (b"", b"]"):
        return (re.escape(low) if low is not None else None), index
    high, index = _member(pattern, index + 1)
    if high is None:
        return None, index
    return (re.escape(low) + b"-" + re.escape(high) if low <= high else b""), index


def _member(pattern: bytes, index: int) -> tuple[bytes | None, int]:
    """Read one byte of a class; None where there is none."""
    if pattern[index : index + 1] == b"\\":
        index += 1
    return pattern[index : index + 1] or None, index + 1
