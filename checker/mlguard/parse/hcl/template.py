"""Templates: the pieces of a quoted text or heredoc, with interpolations and directives."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mlguard.errors import ParseError
from mlguard.parse.hcl.blocks import normalise_text
from mlguard.parse.hcl.conversion import CannotKnowError, InvalidError
from mlguard.parse.hcl.syntax import Syntax, parse_part, shifted
from mlguard.source import Document
from mlguard.value import Unknown

_ESCAPE = re.compile(r'\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([nrt"\\/bf]))|\$\$\{|%%\{')
_LETTERS = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f"}
_OPENING = re.compile(r"\$\$\{|%%\{|(?P<open>[$%])\{(?P<strip>~?)")
_INSIDE = re.compile(r'(?P<quote>")|(?P<open>[{\[(])|(?P<close>[}\])])')
_QUOTED = re.compile(
    r'(?:[^"\\$%]|\\.|\$\$\{|%%\{|\$(?!\{)|%(?!\{))*(?:(?P<end>")|(?P<interpolation>[$%]\{))', re.DOTALL
)
_KEYWORD = re.compile(r"\s*(?P<word>if|else|endif|for|endfor)\b")
_FOR = re.compile(r"\s*(?P<first>[\w-]+)\s*(?:,\s*(?P<second>[\w-]+)\s*)?\bin\b")


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a template: `text`, a `value`, or a directive; `strip` is whether blanks go before and behind it."""

    kind: str
    text: str = ""
    expression: Syntax | None = None
    names: tuple[str, ...] = ()
    strip: tuple[bool, bool] = (False, False)


def unescape(text: str) -> str:
    """Resolve the escapes of a quoted text."""
    if "\\" not in text and "$${" not in text and "%%{" not in text:
        return text

    def one(match: re.Match[str]) -> str:
        short, long, letter = match.groups()
        if short or long:
            code = int(short or long, 16)
            return chr(code) if code <= 0x10FFFF else "\ufffd"  # noqa: PLR2004  (the last code point)
        return _LETTERS[letter] if letter else match.group()[1:]

    return _ESCAPE.sub(one, text)


def template_parts(body: str, start: int, document: Document, *, indented: bool) -> list[Part]:
    """Split the body of a heredoc, or a template file's text, into parts; `start` is its offset in the document."""
    if indented:
        body = _dedent(body)
        start = -1  # places inside of a dedented body would lie
    parts: list[Part] = []
    position = 0
    while (match := _OPENING.search(body, position)) is not None:
        _add_text(parts, body[position : match.start()])
        if match["open"] is None:
            _add_text(parts, match.group()[1:])
            position = match.end()
            continue
        end = _closing(body, match.end())
        inner = body[match.end() : end]
        strip = (match["strip"] == "~", inner.endswith("~"))
        parts.append(_part(match["open"], inner.removesuffix("~"), match.end(), start, document, strip))
        position = end + 1
    _add_text(parts, body[position:])
    return parts


def _add_text(parts: list[Part], text: str) -> None:
    if text:
        parts.append(Part("text", text))


def _dedent(body: str) -> str:
    lines = body.split("\n")
    depths = [len(line) - len(line.lstrip(" \t")) for line in lines if line.strip()]
    cut = min(depths, default=0)
    return "\n".join(line[cut:] if line.strip() else line.lstrip(" \t") for line in lines)


def _closing(body: str, position: int) -> int:
    """Find the brace that closes an interpolation, over texts and brackets inside of it."""
    stack = ["${"]
    while stack:
        match = _INSIDE.search(body, position)
        if match is None:
            raise InvalidError("a template is never closed")
        position = match.end()
        if match["open"]:
            stack.append(match["open"])
        elif match["close"]:
            opened = stack.pop()
            if stack and opened == '"${':
                position = _string(body, position, stack)
        else:
            position = _string(body, position, stack)
        if len(stack) > 200:  # noqa: PLR2004  (no template that a person wrote)
            raise CannotKnowError(Unknown("a template is nested too deeply"))
    return position - 1


def _string(body: str, position: int, stack: list[str]) -> int:
    match = _QUOTED.match(body, position)
    if match is None:
        raise InvalidError("a text in a template is never closed")
    if match["interpolation"]:
        stack.append('"${')
    return match.end()


def _part(mark: str, inner: str, offset: int, start: int, document: Document, strip: tuple[bool, bool]) -> Part:
    if mark == "$":
        return Part("value", expression=_expression(inner, offset, start, document), strip=strip)
    word = _KEYWORD.match(inner)
    if word is None:
        raise InvalidError("an unknown template directive")
    kind, rest = word["word"], inner[word.end() :]
    if kind == "if":
        return Part("if", expression=_expression(rest, offset + word.end(), start, document), strip=strip)
    if kind == "for":
        head = _FOR.match(rest)
        if head is None:
            raise InvalidError("a template's for needs names and a collection")
        names = tuple(name for name in (head["first"], head["second"]) if name)
        expression = _expression(rest[head.end() :], offset + word.end() + head.end(), start, document)
        return Part("for", expression=expression, names=names, strip=strip)
    return Part(kind, strip=strip)


def _expression(text: str, offset: int, start: int, document: Document) -> Syntax:
    """Parse an expression; one whose place is not known is placed at the start of the document."""
    normal = normalise_text(Document(document.path, text)).normal.replace("\n", " ")
    prefix = "x = "
    try:
        body = parse_part(document, f"{prefix}{normal.strip()}", 0)
    except ParseError as error:
        raise InvalidError(error.message) from None
    value: Syntax = body.parts[0].parts[1]
    lead = len(normal) - len(normal.lstrip())
    by = start + offset + lead - len(prefix) if start >= 0 else -value.start
    return shifted(value, by)
