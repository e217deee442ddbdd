"""Parse blocks, expressions and templates: the scanner finds them, the grammar reads them."""

from __future__ import annotations

import re

from mlguard.errors import LimitError, MlguardError, ParseError
from mlguard.parse.terraform.scanner import MAX_BLOCK, BrokenError, Edit, ScannedBlock, Skipper, blanked
from mlguard.parse.terraform.syntax import (
    Argument,
    Block,
    Condition,
    Expression,
    Part,
    Repetition,
    Template,
)
from mlguard.record import record
from mlguard.source import Document

_MARK = re.compile(r"\$\$\{|%%\{|(?P<open>[$%]\{~?)")
_DIRECTIVE = re.compile(r"\s*(?P<word>if|else|endif|for|endfor)\b")
_FOR = re.compile(r"\s*([^\W\d][\w-]*)\s*(?:,\s*([^\W\d][\w-]*)\s*)?\bin\b")
_MAX_NESTED = 15
_AROUND = "x = "


@record()
class _Directive:
    word: str
    start: int
    end: int


def read_block(scanned: ScannedBlock) -> Block:
    """Parse one block; ParseError or LimitError with its place when that fails."""
    body = _read(scanned.document, scanned.start, scanned.end, scanned.edits, "")
    if len(body) != 1 or not isinstance(body[0], Block):
        raise _problem(scanned.document, "a block was expected here", scanned.start)
    return body[0]


def read_body(document: Document) -> Block:
    """Parse a whole file of arguments, as a tfvars file is, into a block without a header."""
    from mlguard.parse.terraform.builder import fill  # noqa: PLC0415  (Lark is loaded only where something is parsed)

    skipper = Skipper(document.text)
    try:
        skipper.run(0)
    except BrokenError as error:
        raise _problem(document, error.message, error.offset) from None
    block = Block(document, 0, len(document.text), 0, "", [])
    fill(block, _read(document, 0, len(document.text), tuple(skipper.edits), ""))
    return block


def read_expression(document: Document, start: int, end: int, nested: int = 0) -> Expression:
    """Parse `text[start:end]` as one expression; line ends count as blanks outside of braces."""
    skipper = Skipper(document.text, end)
    try:
        skipper.run(start)
    except BrokenError as error:
        raise _problem(document, error.message, error.offset) from None
    body = _read(document, start, end, tuple(skipper.edits), _AROUND, nested)
    if len(body) != 1 or not isinstance(body[0], Argument):
        raise _problem(document, "one value was expected here", start)
    return body[0].value


def read_template(document: Document, edit: Edit, nested: int = 0) -> Template:
    """Parse a heredoc, or a text in quotes with more in it than the grammar reads right."""
    if nested > _MAX_NESTED:
        raise _problem(document, f"texts nested more than {_MAX_NESTED} levels deep", edit.start)
    flat = _Flat(document, edit, nested)
    flat.read()
    flat.strip()
    if edit.kind == "heredoc" and document.text.startswith("<<-", edit.start):
        flat.dedent()
    if edit.kind == "quoted":
        from mlguard.parse.terraform.builder import unescape  # noqa: PLC0415  (as in read_body)

        flat.parts = [unescape(part) if isinstance(part, str) else part for part in flat.parts]
    else:
        flat.parts = [
            part.replace("$${", "${").replace("%%{", "%{") if isinstance(part, str) else part for part in flat.parts
        ]
    return Template(edit.start, edit.end, _nest(document, flat.parts, edit.start))


def template_of_file(document: Document) -> Template:
    """Parse a whole file as a template, for `templatefile`."""
    whole = Edit(0, len(document.text), "heredoc", 0, len(document.text))
    flat = _Flat(document, whole, 0)
    flat.read()
    flat.strip()
    parts = [part.replace("$${", "${").replace("%%{", "%{") if isinstance(part, str) else part for part in flat.parts]
    return Template(0, len(document.text), _nest(document, parts, 0))


def _problem(document: Document, message: str, offset: int) -> MlguardError:
    at = document.span(offset, offset)
    return ParseError(f"not valid Terraform: {message}", document.path, at.line, at.column)


def _read(
    document: Document, start: int, end: int, edits: tuple[Edit, ...], around: str, nested: int = 0
) -> list[Argument | Block]:
    from mlguard.parse.terraform.grammar import TextError, grammar  # noqa: PLC0415  (as in read_body)

    if end - start > MAX_BLOCK:
        line = document.span(start, start).line
        raise LimitError(f"a block of more than {MAX_BLOCK:,} characters is not read", document.path, line)
    templates: dict[int, Template] = {}
    for edit in edits:
        if edit.kind != "comment":
            templates[edit.start] = read_template(document, edit, nested + 1)
    text = blanked(document.text, start, end, edits)
    if around:
        text = _one_line(text)
    builder = grammar().builder
    builder.document, builder.base, builder.template = document, start - len(around), templates.get
    try:
        return grammar().parse(around + text)
    except TextError as error:
        failed = error
    try:
        return grammar().parse(around + _one_line(text, ("[", "(")))
    except TextError:
        offset = min(max(failed.offset - len(around), 0), end - start)
        raise _problem(document, failed.message, start + offset) from None


_LOOP = re.compile(r"\{\s*for\s+[^\W\d]")
_SHAPE = re.compile(r'"(?:[^"\\\n]++|\\.)*"|[{}\[\]()]|\r?\n')


def _one_line(text: str, within: tuple[str, ...] = ("", "[", "(")) -> str:
    """Turn line ends into blanks where Terraform ignores them and the grammar does not always."""
    stack = [""]
    pieces, position = [], 0
    for match in _SHAPE.finditer(text):
        shape = match[0]
        if shape in "{[(":
            stack.append("(" if _LOOP.match(text, match.start()) else shape)
        elif shape in "}])":
            if len(stack) > 1:
                stack.pop()
        elif shape[-1] == "\n" and stack[-1] in within:
            pieces.append(text[position : match.start()] + " " * len(shape))
            position = match.end()
    pieces.append(text[position:])
    return "".join(pieces)


class _Flat:
    """The parts of a template in a row: texts, values, and directives not yet nested."""

    def __init__(self, document: Document, edit: Edit, nested: int) -> None:
        self.document = document
        self.edit = edit
        self.nested = nested
        self.parts: list[str | Expression | _Directive] = []
        self.strips: list[tuple[int, bool]] = []

    def read(self) -> None:
        """Split the text at `${` and `%{`."""
        text, position, end = self.document.text, self.edit.body_start, self.edit.body_end
        since = position
        while (match := _MARK.search(text, position, end)) is not None:
            if not match["open"]:
                position = match.end()
                continue
            if self.edit.kind == "quoted" and _escaped(text, match.start(), self.edit.body_start):
                position = match.end()
                continue
            self.parts.append(text[since : match.start()])
            position = since = self._marked(match, end)
        self.parts.append(text[since:end])

    def _marked(self, match: re.Match[str], end: int) -> int:
        text = self.document.text
        skipper = Skipper(text, end)
        try:
            after = skipper.close(match.end(), "${")
        except BrokenError as error:
            raise _problem(self.document, error.message, error.offset) from None
        start, stop = match.end(), after - 1
        if match["open"].endswith("~"):
            self.strips.append((len(self.parts), True))
        if text[stop - 1] == "~":
            self.strips.append((len(self.parts), False))
            stop -= 1
        if match["open"][0] == "%":
            word = _DIRECTIVE.match(text, start, stop)
            if word is None:
                raise _problem(self.document, "a directive was expected here", start)
            self.parts.append(_Directive(word["word"], word.end(), stop))
        else:
            self.parts.append(read_expression(self.document, start, stop, self.nested + 1))
        return after

    def _stripped(self, part: str, *, before: bool) -> str:
        if self.edit.kind == "quoted":
            return part.rstrip() if before else part.lstrip()
        if before:
            lines, last = part[: part.rfind("\n") + 1], part[part.rfind("\n") + 1 :]
            return lines + last.rstrip() if last or not lines else lines[:-1].rstrip(" \t\r")
        first, end, others = part.partition("\n")
        return others if end and not first.strip() else first.lstrip() + end + others

    def dedent(self) -> None:
        """Take away the indentation that all lines have, as `<<-` asks."""
        lines = "".join(part if isinstance(part, str) else "\0" for part in self.parts).split("\n")[:-1]
        indents = [len(line) - len(line.lstrip(" \t")) for line in lines if line.strip(" \t\r")]
        cut = min(indents, default=0)
        if not cut:
            return
        begins = True
        for index, part in enumerate(self.parts):
            if isinstance(part, str):
                first, *others = part.split("\n")
                first = first[min(cut, _indent(first)) :] if begins else first
                self.parts[index] = "\n".join([first, *(line[min(cut, _indent(line)) :] for line in others)])
                begins = part.endswith("\n") or (begins and not part)
            else:
                begins = False

    def strip(self) -> None:
        """Take away the blanks that `~` asks for: in a heredoc those of one line, its end included."""
        for index, before in self.strips:
            beside = index - 1 if before else index + 1
            part = self.parts[beside] if 0 <= beside < len(self.parts) else None
            if isinstance(part, str):
                self.parts[beside] = self._stripped(part, before=before)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" \t"))


def _escaped(text: str, position: int, start: int) -> bool:
    """Tell whether an odd number of backslashes stands before a character."""
    count = 0
    while position - count > start and text[position - count - 1] == "\\":
        count += 1
    return count % 2 == 1


def _nest(document: Document, flat: list[str | Expression | _Directive], at: int) -> list[Part]:
    """Put what stands between a directive and its end into the directive."""
    bodies: list[list[Part]] = [[]]
    opened: list[Condition | Repetition] = []
    for part in flat:
        if not isinstance(part, _Directive):
            if part != "":
                bodies[-1].append(part)
        elif part.word in ("if", "for"):
            _open(document, part, bodies, opened)
        elif part.word == "else" and opened and isinstance(opened[-1], Condition):
            bodies[-1] = opened[-1].no
        elif part.word.startswith("end") and opened and isinstance(opened[-1], _CLOSED_BY[part.word]):
            opened.pop()
            bodies.pop()
        else:
            raise _problem(document, f"`{part.word}` does not belong here", part.start)
    if opened:
        raise _problem(document, "a directive of this text is never ended", at)
    return bodies[0]


_CLOSED_BY: dict[str, type[Condition | Repetition]] = {"endif": Condition, "endfor": Repetition}


def _open(document: Document, part: _Directive, bodies: list[list[Part]], opened: list[Condition | Repetition]) -> None:
    directive: Condition | Repetition
    if part.word == "if":
        directive = Condition(read_expression(document, part.start, part.end), [], [])
        body = directive.yes
    else:
        head = _FOR.match(document.text, part.start, part.end)
        if head is None:
            raise _problem(document, "`for` needs a name and `in`", part.start)
        names = [name for name in head.groups() if name]
        directive = Repetition(names, read_expression(document, head.end(), part.end), [])
        body = directive.body
    if len(opened) > _MAX_NESTED:
        raise _problem(document, f"directives nested more than {_MAX_NESTED} levels deep", part.start)
    bodies[-1].append(directive)
    opened.append(directive)
    bodies.append(body)
