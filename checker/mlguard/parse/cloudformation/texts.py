"""The intrinsic functions that make a text: `Fn::Sub`, `Fn::Join`, `Fn::Base64`."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import replace

from mlguard.parse.cloudformation.evaluator import Evaluator
from mlguard.parse.cloudformation.expressions import arguments, because
from mlguard.parse.cloudformation.references import attribute, named
from mlguard.scenario import Scenario
from mlguard.value import Entries, Items, Node, Reference, Unknown, settle, text_of

_PLACEHOLDER = re.compile(r"\$\{([^!{}][^{}]*)\}")
_LITERAL = re.compile(r"\$\{!([^{}]*)\}")
_MAX_TEXT = 1_000_000


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
    for part in nodes:
        content = settle(part, scenario).content
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
    if why:
        return replace(node, content=Unknown(why, joined[:_MAX_TEXT], tuple(references)))
    if len(joined) > _MAX_TEXT:
        return replace(node, content=Unknown(f"a text of more than {_MAX_TEXT:,} characters"))
    return replace(node, content=joined)


def encode_base64(evaluator: Evaluator, argument: Node, node: Node, scenario: Scenario) -> Node:
    """`Fn::Base64`."""
    settled = evaluator.value(argument, scenario)
    text = text_of(settled.content)
    if text is None:
        pattern = settled.content.pattern if isinstance(settled.content, Unknown) else "*"
        return replace(node, content=Unknown(because(settled.content, "its text is not known"), pattern))
    encoded = base64.b64encode(text.encode("utf-8", "surrogatepass")).decode("ascii")
    return Node(encoded, settled.span, node.key_span, settled.origins)
