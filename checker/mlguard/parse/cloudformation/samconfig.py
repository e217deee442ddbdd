"""The configuration file of the SAM command line: `samconfig.toml` or `.yaml`, one table an environment."""

from __future__ import annotations

import re
from collections.abc import Mapping

from mlguard.errors import ParseError
from mlguard.record import field, record
from mlguard.source import Span
from mlguard.value import Entries, Items, Node, text_of

_COMMANDS = ("global", "deploy")
_ALL_COMMANDS = frozenset((*_COMMANDS, "build", "validate", "package", "sync", "local_invoke", "local_start_api"))
_VALUE = r"""(?:"(?:\\.|[^"\\])*"|'[^']*'|(?:\\.|[^\s"'\\,])(?:\\.|[^\s"'\\])*)"""
_LONG = rf"ParameterKey=([A-Za-z0-9]+)[, ]\s*ParameterValue=({_VALUE})?"
_SHORT = rf"(?:^|(?<=\s))([A-Za-z0-9:_.+@/-]+)=({_VALUE})?(?=\s|$)"


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
    return {match[1]: Node(_unquoted(match[2] or ""), span) for match in re.finditer(pattern, text)}


def _unquoted(value: str) -> str:
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return re.sub(r"\\(.)", r"\1", value[1:-1] if quoted else value)


def _below(node: Node | None) -> Mapping[str, Node]:
    return node.content.nodes if node is not None and isinstance(node.content, Entries) else {}
