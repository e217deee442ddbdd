"""Files that a deployment tool uploads on its way: the definition of a state machine beside its template."""

from __future__ import annotations

from collections.abc import Callable

from mlguard.errors import MlguardError
from mlguard.record import replace
from mlguard.source import Span
from mlguard.value import Entries, Node, Unknown

_DEFINITION = {
    "AWS::Serverless::StateMachine": "DefinitionUri",
    "AWS::StepFunctions::StateMachine": "DefinitionS3Location",
}
Read = Callable[[str], Node | None]
"""Gives the content of a file by its path beside the template; None when there is no such file."""


def with_definition(kind: str, body: Node, read: Read) -> Node:
    """Give the properties of a state machine with the definition that stands in a file; others as they are."""
    key = _DEFINITION.get(kind, "")
    content = body.content
    named = content.nodes.get(key) if isinstance(content, Entries) else None
    if not isinstance(content, Entries) or named is None or not isinstance(named.content, str):
        return body
    if "://" in named.content:
        return body
    return replace(body, content=Entries({**content.nodes, key: _definition(named, named.content, read)}, content.rest))


def _definition(named: Node, path: str, read: Read) -> Node:
    try:
        found = read(path)
    except MlguardError as error:
        line, column = error.line or 1, error.column or 1
        at = Span(error.path, line, column, line, column + 1) if error.path else named.span
        return Node(Unknown(f"its definition cannot be read: {error.message}"), at, at)
    if found is None:
        return replace(named, content=Unknown(f'its definition "{path}" is no file of this folder'))
    return found
