"""The configuration file of the SAM command line: `samconfig.toml` or `.yaml`, one table an environment."""

from __future__ import annotations

import re
from collections.abc import Mapping

from mlguard.errors import ParseError
from mlguard.record import field, record
from mlguard.source import Document, Span
from mlguard.value import Entries, Items, Node, text_of

_COMMANDS = ("global", "deploy")
_ALL_COMMANDS = frozenset((*_COMMANDS, "build", "validate", "package", "sync", "local_invoke", "local_start_api"))
_VALUE = r"""(?:"(?:\\.|[^"\\])*"|'[^']*'|(?:\\.|[^\s"'\\,])(?:\\.|[^\s"'\\])*)"""
_LONG = re.compile(rf"ParameterKey=([A-Za-z0-9]+)[, ]\s*ParameterValue=({_VALUE})?")
_SHORT = re.compile(rf"(?:^|(?<=\s))([A-Za-z0-9:_.+@/-]+)=({_VALUE})?(?=\s|$)")
_LINE = re.compile(r"line (\d+), column (\d+)")
_MAX_DEPTH = 100


@record(frozen=False)
class Deployment:
    """What one environment's tables say of `sam deploy`."""

    parameters: dict[str, Node] = field(default_factory=dict)
    tags: dict[str, Node] = field(default_factory=dict)
    region: str = ""
    template: str = ""
    stack: str = ""


def is_samconfig(fields: Mapping[str, Node]) -> bool:
    """Tell whether a mapping has the tables of a samconfig: environment, command, `parameters`."""
    commands = [item for environment in fields.values() for item in _below(environment).items()]
    return any(name in _ALL_COMMANDS and "parameters" in _below(command) for name, command in commands)


def deployment(node: Node, path: str, environment: str) -> Deployment:
    """Give what the tables of an environment say; ParseError where there is no such environment."""
    fields = node.content.nodes if isinstance(node.content, Entries) else {}
    environments = [name for name, table in fields.items() if isinstance(table.content, Entries)]
    wanted = environment or "default"
    if wanted not in environments:
        there = ", ".join(environments) or "none"
        raise ParseError(f'there is no environment "{wanted}" in this samconfig; there are {there}', path, 1)
    said = Deployment()
    for command in _COMMANDS:
        tables = _below(fields[wanted]).get(command)
        for key, value in _below(_below(tables).get("parameters")).items():
            _take(said, key, value)
    return said


def _take(said: Deployment, key: str, value: Node) -> None:
    name = key.replace("-", "_")
    text = text_of(value.content) or ""
    if name == "parameter_overrides":
        said.parameters.update(_pairs(value))
    elif name == "tags":
        said.tags.update(_pairs(value))
    elif name == "region":
        said.region = text
    elif name in ("template_file", "template"):
        said.template = text
    elif name == "stack_name":
        said.stack = text


def _pairs(node: Node) -> dict[str, Node]:
    """Read `Name=value` pairs: one text, a list of them, or a mapping."""
    if isinstance(node.content, Entries):
        return dict(node.content.nodes)
    found: dict[str, Node] = {}
    for item in node.content.nodes if isinstance(node.content, Items) else (node,):
        text = text_of(item.content)
        if text is None:
            raise ParseError('wanted "Name=value"', item.span.path, item.span.line, item.span.column)
        found.update(assignments(text, item.span))
    return found


def assignments(text: str, span: Span) -> dict[str, Node]:
    """Read `A=b C="d e"`, or the older `ParameterKey=A,ParameterValue=b`."""
    pattern = _LONG if "ParameterKey=" in text else _SHORT
    return {match[1]: Node(_unquoted(match[2] or ""), span) for match in pattern.finditer(text)}


def _unquoted(value: str) -> str:
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return re.sub(r"\\(.)", r"\1", value[1:-1] if quoted else value)


def _below(node: Node | None) -> Mapping[str, Node]:
    return node.content.nodes if node is not None and isinstance(node.content, Entries) else {}


def read_toml(document: Document) -> Node:
    """Read a TOML text as nodes; every value stands at the line of its key, as far as that can be found."""
    import tomllib  # noqa: PLC0415  (few repositories have a file of it)

    try:
        table = tomllib.loads(document.text.replace("\r\n", "\n"))
    except tomllib.TOMLDecodeError as error:
        at = _LINE.search(str(error))
        line, column = (int(at[1]), int(at[2])) if at is not None else (0, 0)
        message = re.sub(r" \(at .*\)$", "", str(error))
        raise ParseError(f"not valid TOML: {message}", document.path, line, column) from None
    except RecursionError:
        raise ParseError("not valid TOML: nested too deeply", document.path) from None
    return _Places(document).node(table, (), 0)


class _Places:
    """Finds keys in the text of a TOML file: its parser tells no places."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._headers = [
            (match.start(), tuple(part.strip(" \t\"'") for part in match[1].split(".")))
            for match in re.finditer(r"(?m)^[ \t]*\[([^\[\]\n]+)\]", document.text)
        ]

    def node(self, value: object, path: tuple[str, ...], depth: int) -> Node:
        span = self._span(path)
        if depth > _MAX_DEPTH:
            raise ParseError("not valid TOML: nested too deeply", span.path, span.line)
        if isinstance(value, dict):
            entries = {}
            for key, below in value.items():
                made = self.node(below, (*path, str(key)), depth + 1)
                entries[str(key)] = Node(made.content, made.span, made.span)
            return Node(Entries(entries), span)
        if isinstance(value, list):
            return Node(Items(tuple(self.node(item, path, depth + 1) for item in value)), span)
        return Node(value if isinstance(value, bool | int | float | str) else str(value), span)

    def _span(self, path: tuple[str, ...]) -> Span:
        """Give the line of a key in its table; the table's header, or the first line, where it is not found."""
        text = self._document.text
        for length in range(len(path), -1, -1):
            start, end = self._table(path[:length])
            rest = path[length : length + 1]
            key = re.compile(rf"(?m)^[ \t]*[\"']?{re.escape(rest[0])}[\"']?[ \t]*[=.][^\r\n]*") if rest else None
            match = key.search(text, start, end) if key is not None and start >= 0 else None
            if match is not None:
                offset = match.start() + len(match[0]) - len(match[0].lstrip())
                return self._document.span(offset, offset + len(match[0].strip()))
            if start > 0 or (length and start >= 0):
                return self._document.span(start, start)
        return self._document.span(0, 0)

    def _table(self, path: tuple[str, ...]) -> tuple[int, int]:
        """Give where the text of a table begins and ends; -1 where it has no header of its own."""
        following = [start for start, _ in self._headers] + [len(self._document.text)]
        if not path:
            return 0, following[0]
        for index, (start, header) in enumerate(self._headers):
            if header == path:
                return start, following[index + 1]
        return -1, -1
