"""JSON inside of a property: the text of a definition as nodes whose strings are expressions of the template.

Read once, with the places of its lines, it depends on parameters only where somebody looks at a value that does.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from mlguard.errors import LimitError, ParseError
from mlguard.parse.inner_text import MAX_INNER, overlaid, places
from mlguard.parse.json_document import load_json
from mlguard.patterns import lazy_pattern
from mlguard.record import replace
from mlguard.source import Document
from mlguard.value import Content, Entries, Items, Node

_TEXTS = {
    "AWS::StepFunctions::StateMachine": ("DefinitionString",),
    "AWS::SageMaker::Pipeline": ("PipelineDefinition", "PipelineDefinitionBody"),
}
_BARE = lazy_pattern(r"([:\[,]\s*)(\$\{[^{}]+\})(?=\s*[,}\]])")


def with_parsed_texts(kind: str, body: Node, documents: Mapping[str, Document]) -> Node:
    """Give the properties of a resource with its JSON read; what is no JSON stays the text that it is."""
    path = _TEXTS.get(kind)
    return _below(body, path, documents) if path is not None else body


def _below(node: Node, path: tuple[str, ...], documents: Mapping[str, Document]) -> Node:
    if not path:
        return _parsed(node, documents)
    content = node.content
    if not isinstance(content, Entries) or path[0] not in content.nodes:
        return node
    changed = {**content.nodes, path[0]: _below(content.nodes[path[0]], path[1:], documents)}
    return replace(node, content=Entries(changed, content.rest))


def _parsed(node: Node, documents: Mapping[str, Document]) -> Node:
    found = _text(node)
    if found is None or len(found[0]) > MAX_INNER:
        return node
    text, variables = found
    expression = variables is not None or "Fn::Sub" in _fields(node)
    try:
        value = load_json(Document(node.span.path, _BARE.sub(r'\1"\2"', text)))
    except (ParseError, LimitError):
        return node
    if not isinstance(value.content, Entries):
        return node
    place = places(documents.get(node.span.path), node.span)
    placed = overlaid(value, place, node, lambda content, _span: content)
    return _as_expressions(placed, partial(_substituted, variables)) if expression else placed


def _text(node: Node) -> tuple[str, Node | None] | None:
    """Give the text of a literal, of `Fn::Sub` or of `Fn::Join`, and the variables that are put into it."""
    if isinstance(node.content, str):
        return node.content, None
    fields = _fields(node)
    argument = fields.get("Fn::Sub") or fields.get("Fn::Join")
    if argument is None or len(fields) != 1:
        return None
    if isinstance(argument.content, str):
        return argument.content, None
    parts = argument.content.nodes if isinstance(argument.content, Items) else ()
    if len(parts) != 2 or not isinstance(parts[0].content, str):  # noqa: PLR2004  (text, variables; delimiter, list)
        return None
    return (parts[0].content, parts[1]) if "Fn::Sub" in fields else _joined(parts[0].content, parts[1])


def _joined(delimiter: str, listed: Node) -> tuple[str, Node | None] | None:
    """Write `Fn::Join` as `Fn::Sub`, with a variable for each part that is no plain text."""
    if not isinstance(listed.content, Items):
        return None
    variables: dict[str, Node] = {}
    pieces = []
    for part in listed.content.nodes:
        if isinstance(part.content, str):
            pieces.append(part.content.replace("${", "${!"))
        else:
            name = f"part{len(variables)}"
            variables[name] = part
            pieces.append(f"${{{name}}}")
    return delimiter.replace("${", "${!").join(pieces), replace(listed, content=Entries(variables))


def _fields(node: Node) -> Mapping[str, Node]:
    return node.content.nodes if isinstance(node.content, Entries) else {}


def _as_expressions(node: Node, made: partial[Content]) -> Node:
    content = node.content
    if isinstance(content, Entries):
        below = {key: _as_expressions(value, made) for key, value in content.nodes.items()}
        return replace(node, content=Entries(below, content.rest))
    if isinstance(content, Items):
        return replace(node, content=Items(tuple(_as_expressions(value, made) for value in content.nodes)))
    return replace(node, content=made(node)) if isinstance(content, str) and "${" in content else node


def _substituted(variables: Node | None, node: Node) -> Content:
    text = replace(node, key_span=None)
    argument = text if variables is None else replace(text, content=Items((text, variables)))
    return Entries({"Fn::Sub": argument})
