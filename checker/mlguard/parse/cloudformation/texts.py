"""The intrinsic functions that make a text: `Fn::Sub`, `Fn::Join`, `Fn::Base64`, `Fn::ToJsonString`."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence

from mlguard.parse.cloudformation.evaluator import Evaluator
from mlguard.parse.cloudformation.expressions import arguments, because, resolved_at_deployment
from mlguard.parse.cloudformation.references import attribute, named
from mlguard.patterns import lazy_pattern
from mlguard.record import replace
from mlguard.scenario import Scenario
from mlguard.value import Content, EncodedText, Entries, Items, Node, Origin, Reference, Unknown, settle, text_of

_PLACEHOLDER = lazy_pattern(r"\$\{([^!{}][^{}]*)\}")
_LITERAL = lazy_pattern(r"\$\{!([^{}]*)\}")
_MAX_TEXT = 1_000_000
_MAX_DEPTH = 100
_MAX_ORIGINS = 8


def join(evaluator: Evaluator, argument: Node, node: Node, scenario: Scenario) -> Node:
    """`Fn::Join`."""
    parts = arguments(argument)
    if len(parts) != 2 or not isinstance(parts[0].content, str):  # noqa: PLR2004  (delimiter, list)
        return replace(node, content=Unknown("Fn::Join needs a delimiter and a list"))
    values = evaluator.value(parts[1], scenario).content
    if isinstance(values, Items) and values.rest is None:
        return concatenate(values.nodes, parts[0].content, node, scenario)
    return replace(node, content=values if isinstance(values, Unknown) else Unknown("Fn::Join of an unknown list"))


def sub(evaluator: Evaluator, argument: Node, node: Node, scenario: Scenario) -> Node:
    """`Fn::Sub`."""
    template, own = argument, Entries({})
    parts = arguments(argument)
    if len(parts) == 2:  # noqa: PLR2004  (text, variables)
        template = parts[0]
        own = parts[1].content if isinstance(parts[1].content, Entries) else own
    text = template.content
    if not isinstance(text, str):
        return replace(node, content=Unknown("Fn::Sub needs a text"))
    pieces: list[Node] = []
    position = 0
    for match in _PLACEHOLDER.finditer(text):
        pieces.append(replace(node, content=text[position : match.start()]))
        pieces.append(_placeholder(evaluator, match.group(1).strip(), own, node, scenario))
        position = match.end()
    pieces.append(replace(node, content=text[position:]))
    written = [piece for piece in pieces if piece.content != ""]
    if len(written) == 1 and not isinstance(written[0].content, str):
        return written[0]  # "${Name}" alone is the thing itself
    if len(written) == 1 and written[0].origins:
        return written[0]
    unescaped = [
        replace(piece, content=_LITERAL.sub(r"${\1}", piece.content)) if isinstance(piece.content, str) else piece
        for piece in written
    ]
    return concatenate(unescaped, "", node, scenario)


def _placeholder(evaluator: Evaluator, name: str, own: Entries, node: Node, scenario: Scenario) -> Node:
    if name in own.nodes:
        settled = evaluator.value(own.nodes[name], scenario)
        return Node(settled.content, node.span, node.key_span, settled.origins)
    if "." in name:
        resource, name_of_attribute = name.split(".", 1)
        return attribute(evaluator, resource, name_of_attribute, node, scenario)
    return named(evaluator, name, node, scenario)


def concatenate(nodes: Sequence[Node], delimiter: str, node: Node, scenario: Scenario) -> Node:
    """Join texts, placed where the call is written; partly known where a part is not known."""
    pieces: list[str] = []
    why = ""
    references: list[Reference] = []
    nodes = [settle(part, scenario) for part in nodes]
    for part in nodes:
        content = part.content
        text = text_of(content)
        if text is None:
            why = why or because(content, "a part of it is known after deployment")
            if isinstance(content, Unknown):
                references.extend(content.references)
            if isinstance(content, Reference):
                why = f"{content.address} decides a part of it"
                references.append(content)
        pieces.append("*" if text is None else text)
    joined = delimiter.join(pieces)
    if len(joined) > _MAX_TEXT:
        return replace(node, content=Unknown(f"a text of more than {_MAX_TEXT:,} characters", "*", tuple(references)))
    dynamic = resolved_at_deployment(joined)
    if why or dynamic is not None:
        pattern = dynamic.pattern if dynamic is not None else joined
        return replace(node, content=Unknown(why or because(dynamic, ""), pattern, tuple(references)))
    return Node(joined, node.span, node.key_span, _origins(nodes))


def _origins(nodes: Sequence[Node]) -> tuple[Origin, ...]:
    """Give where the parts of a text come from, each place once; the text itself is no parameter's value."""
    found = (replace(origin, parameter=None) for node in nodes for origin in node.origins)
    return tuple(dict.fromkeys(found))[:_MAX_ORIGINS]


def encode_base64(evaluator: Evaluator, argument: Node, node: Node, scenario: Scenario) -> Node:
    """`Fn::Base64`."""
    settled = evaluator.value(argument, scenario)
    text = text_of(settled.content)
    if text is None:
        references = settled.content.references if isinstance(settled.content, Unknown) else ()
        return replace(node, content=Unknown(because(settled.content, "its text is not known"), "*", references))
    encoded = base64.b64encode(text.encode("utf-8", "surrogatepass")).decode("ascii")
    return Node(encoded, settled.span, node.key_span, settled.origins)


def to_json_string(evaluator: Evaluator, argument: Node, node: Node, scenario: Scenario) -> Node:
    """`Fn::ToJsonString`: the text as CloudFormation writes it, without spaces; its values keep their places."""
    value = evaluator.value(argument, scenario)
    pieces = [replace(node, content=piece) for piece in _json(value, scenario, 0)]
    written = concatenate(pieces, "", node, scenario)
    if isinstance(written.content, Unknown):
        return written.holding(replace(written.content, encodes=value))
    return written.holding(EncodedText(written.content, value)) if isinstance(written.content, str) else written


def _json(node: Node, scenario: Scenario, depth: int) -> Iterator[Content]:
    """Give the pieces of a JSON text, what is not known among them."""
    content = node.content
    if isinstance(content, Entries) and depth <= _MAX_DEPTH:
        settled = ((key, settle(below, scenario)) for key, below in content.nodes.items())
        yield "{"
        for index, (key, below) in enumerate((key, below) for key, below in settled if below.content is not None):
            yield f"{',' if index else ''}{json.dumps(key, ensure_ascii=False)}:"
            yield from _json(below, scenario, depth + 1)
        yield from (content.rest,) if content.rest is not None else ()
        yield "}"
    elif isinstance(content, Items) and depth <= _MAX_DEPTH:
        yield "["
        for index, item in enumerate(content.nodes):
            yield from ("," if index else "",)
            yield from _json(settle(item, scenario), scenario, depth + 1)
        yield from (content.rest,) if content.rest is not None else ()
        yield "]"
    elif isinstance(content, Unknown | Reference):
        quoted = not (isinstance(content, Unknown) and content.pattern == "*")
        yield from ('"', content, '"') if quoted else (content,)
    elif isinstance(content, str | int | float | bool):
        yield json.dumps(content, ensure_ascii=False)
    else:
        yield Unknown(f"values are nested deeper than {_MAX_DEPTH} levels")
