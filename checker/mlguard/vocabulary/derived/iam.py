"""IAM policies: their statements, wherever and however they are written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mlguard.scenario import Scenario
from mlguard.value import Content, EncodedText, Entries, Items, Node, Reference, Unknown, child, items, settle, text_of
from mlguard.vocabulary.derived.subject import Subject
from mlguard.vocabulary.embedded import json_value

_LISTS = {"actions": "Action", "not_actions": "NotAction", "resources": "Resource", "not_resources": "NotResource"}
_OF_AWS = ":iam::aws:policy/"


def iam_statements(subject: Subject, scenario: Scenario) -> Node:
    """List the statements of all policies that a resource writes, each where it stands."""
    at = subject.resource.raw.name_span
    listed = items(subject.property("documents", scenario), scenario)
    if isinstance(listed, Unknown):
        return Node(Items((), listed), at)
    found: list[Node] = []
    rest = listed.rest
    for item in listed.nodes:
        document = child(item, "document", scenario)
        for statement in _statements(document, scenario) if document is not None else ():
            if isinstance(statement, Unknown):
                rest = rest or statement
            else:
                found.append(statement)
    return Node(Items(tuple(found), rest), at)


def _statements(document: Node, scenario: Scenario) -> Iterator[Node | Unknown]:
    read = _read(document)
    if isinstance(read, Unknown):
        yield read
        return
    listed = items(child(read, "Statement", scenario), scenario)
    if isinstance(listed, Unknown):
        yield listed
        return
    if listed.rest is not None:
        yield listed.rest
    for node in listed.nodes:
        settled = settle(node, scenario)
        yield settled.content if isinstance(settled.content, Unknown) else _statement(settled, scenario)


def _read(document: Node) -> Node | Unknown:
    content = document.content
    if isinstance(content, EncodedText):
        return content.node
    if isinstance(content, Unknown) and content.encodes is not None:
        return content.encodes
    read = json_value(document) if not isinstance(content, Reference) else None
    if read is not None and isinstance(read.content, Entries):
        return read
    return content if isinstance(content, Unknown) else Unknown("the policy cannot be read")


def _statement(node: Node, scenario: Scenario) -> Node:
    place = node.place
    fields: dict[str, Node] = {
        name: found for name, key in (("sid", "Sid"), ("effect", "Effect")) if (found := child(node, key, scenario))
    }
    for name, key in _LISTS.items():
        below = child(node, key, scenario)
        if below is not None:
            fields[name] = Node(_texts(below, scenario), below.span, below.key_span)
    condition = child(node, "Condition", scenario)
    fields["conditions"] = Node(_conditions(condition, scenario), place)
    return Node(Entries(fields), node.span, node.key_span, node.origins)


def _texts(node: Node, scenario: Scenario) -> Items:
    """Read one text or a list of them; a text that is known in part is one of them."""
    listed = items(node, scenario)
    if isinstance(listed, Items):
        return listed
    return Items((), listed) if listed.pattern == "*" else Items((node,))


def _conditions(node: Node | None, scenario: Scenario) -> Items:
    """Give each condition: its operator, key and values."""
    found: list[Node] = []
    operators, rest = _entries(node, scenario)
    for operator, keys in operators.items():
        tests, hidden = _entries(keys, scenario)
        rest = rest or hidden
        for key, values in tests.items():
            fields = {"operator": Node(operator, values.span), "key": Node(key, values.span), "values": values}
            found.append(Node(Entries(fields), values.span, values.key_span))
    return Items(tuple(found), rest)


def _entries(node: Node | None, scenario: Scenario) -> tuple[Mapping[str, Node], Unknown | None]:
    content = settle(node, scenario).content if node is not None else None
    if isinstance(content, Entries):
        return content.nodes, content.rest
    return {}, content if isinstance(content, Unknown) else None


def managed_policy_name(subject: Subject, scenario: Scenario) -> Content | Node:
    """Give the name of a managed policy of AWS; absent for one's own policies, which are judged where they stand."""
    node = subject.field("arn", scenario)
    if node is None or isinstance(node.content, Reference):
        return None
    written = node.content.pattern if isinstance(node.content, Unknown) else text_of(node.content) or ""
    _, of_aws, name = written.partition(_OF_AWS)
    if of_aws and "*" not in name:
        return Node(name.rpartition("/")[2], node.span, node.key_span, node.origins)
    return node.content if isinstance(node.content, Unknown) and "*" in (written[:1], name) else None
