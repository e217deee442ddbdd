"""The data source `aws_iam_policy_document`: a policy written as blocks, and the JSON that the provider makes of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from mlguard.parse.terraform.values import FailureError, hidden, is_known, plain
from mlguard.scenario import Scenario
from mlguard.value import Content, EncodedText, Entries, Items, Node, Unknown, items, settle, text_of

KIND = "aws_iam_policy_document"
ATTRIBUTES = ("json", "minified_json")
_LISTS = {
    "actions": "Action",
    "not_actions": "NotAction",
    "resources": "Resource",
    "not_resources": "NotResource",
}
_PRINCIPALS = {"principals": "Principal", "not_principals": "NotPrincipal"}
_SOURCES = ("source_json", "source_policy_documents", "override_json", "override_policy_documents")
_VERSION = "2012-10-17"


def policy_json(body: Node, attribute: str, scenario: Scenario) -> Content:
    """Give the JSON of a policy document as the provider writes it; partly known where a part of it is unknown."""
    policy = _policy(body, scenario)
    if not is_known(policy):
        return Unknown(hidden((policy,)).because, encodes=policy)
    try:
        content = plain(policy)
    except FailureError as failure:
        return Unknown(failure.message)
    spaced = json.dumps(content, indent=2) if attribute == "json" else json.dumps(content, separators=(",", ":"))
    return EncodedText(spaced, policy)


def _policy(body: Node, scenario: Scenario) -> Node:
    fields = body.content.nodes if isinstance(body.content, Entries) else {}
    version = settle(fields["version"], scenario) if "version" in fields else Node(_VERSION, body.span.first_line())
    made = {"Version": version}
    if "policy_id" in fields:
        made["Id"] = settle(fields["policy_id"], scenario)
    listed = items(fields.get("statement"), scenario)
    rest: Unknown | None = listed if isinstance(listed, Unknown) else listed.rest
    nodes = listed.nodes if isinstance(listed, Items) else ()
    statements = tuple(_statement(settle(node, scenario), scenario) for node in nodes)
    merged = next((name for name in _SOURCES if name in fields), None)
    if merged is not None:
        rest = rest or Unknown(f"{merged} is merged into the policy")
    made["Statement"] = Node(Items(statements, rest), body.span, body.key_span)
    return Node(Entries(made), body.span, body.key_span)


def _statement(node: Node, scenario: Scenario) -> Node:
    if not isinstance(node.content, Entries):
        return node
    fields = node.content.nodes
    place = node.key_span or node.span.first_line()
    made: dict[str, Node] = {}
    for name, key in (("sid", "Sid"), ("effect", "Effect")):
        if name in fields:
            made[key] = settle(fields[name], scenario)
    made.setdefault("Effect", Node("Allow", place))
    for name, key in _LISTS.items():
        if name in fields:
            made[key] = _listed(fields[name], scenario)
    for name, key in _PRINCIPALS.items():
        if name in fields:
            made[key] = settle(fields[name], scenario)
    if "condition" in fields:
        made["Condition"] = _condition(fields["condition"], scenario)
    return Node(Entries(made, node.content.rest), place)


def _listed(node: Node, scenario: Scenario) -> Node:
    """Give a list with its items settled."""
    settled = settle(node, scenario)
    if not isinstance(settled.content, Items):
        return settled
    nodes = tuple(settle(item, scenario) for item in settled.content.nodes)
    return Node(Items(nodes, settled.content.rest), settled.span, settled.key_span)


def _condition(node: Node, scenario: Scenario) -> Node:
    """Give the conditions by operator and key, each where its block names it."""
    listed = items(node, scenario)
    if isinstance(listed, Unknown):
        return Node(listed, node.span, node.key_span)
    rest = listed.rest
    operators: dict[str, dict[str, Node]] = {}
    places: dict[str, Node] = {}
    for operator, key, values in _blocks(listed, scenario):
        if values is None:
            rest = rest or hidden((operator, key))
            continue
        name, variable = text_of(operator.content) or "", text_of(key.content) or ""
        places.setdefault(name, operator)
        keys = operators.setdefault(name, {})
        own = Node(values.content, values.span, key.span)
        keys[variable] = _joined(keys[variable], own) if variable in keys else own
    made = {name: Node(Entries(keys), places[name].span, places[name].span) for name, keys in operators.items()}
    return Node(Entries(made, rest), node.span, node.key_span)


def _blocks(listed: Items, scenario: Scenario) -> Iterator[tuple[Node, Node, Node | None]]:
    """Give test, variable and values of each block; no values where test or variable are not known."""
    for block in listed.nodes:
        settled = settle(block, scenario)
        fields: Mapping[str, Node] = settled.content.nodes if isinstance(settled.content, Entries) else {}
        nothing = Node(Unknown("the condition is known at deployment"), settled.span)
        operator, key, values = (
            settle(fields[name], scenario) if name in fields else nothing for name in ("test", "variable", "values")
        )
        known = text_of(operator.content) is not None and text_of(key.content) is not None
        yield operator, key, _listed(values, scenario) if known else None


def _joined(one: Node, other: Node) -> Node:
    """Unite the values of two blocks about one operator and key, as the provider does."""
    if isinstance(one.content, Items) and isinstance(other.content, Items):
        nodes = (*one.content.nodes, *other.content.nodes)
        return Node(Items(nodes, one.content.rest or other.content.rest), one.span, one.key_span)
    return Node(hidden((one, other)), one.span, one.key_span)
