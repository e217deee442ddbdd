"""IAM policies: their statements, wherever and however they are written."""

from __future__ import annotations

from collections.abc import Iterator

from mlguard.scenario import Scenario
from mlguard.value import Content, EncodedText, Entries, Items, Node, Reference, Unknown, child, items, settle, text_of
from mlguard.vocabulary.derived.subject import Subject
from mlguard.vocabulary.embedded.definition import Reader

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
        for statement in _statements(subject, document, scenario) if document is not None else ():
            if isinstance(statement, Unknown):
                rest = rest or statement
            else:
                found.append(statement)
    return Node(Items(tuple(found), rest), at)


def _statements(subject: Subject, document: Node, scenario: Scenario) -> Iterator[Node | Unknown]:
    read = _read(subject, document)
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


def _read(subject: Subject, document: Node) -> Node | Unknown:
    content = document.content
    if isinstance(content, EncodedText):
        return content.node
    if isinstance(content, Unknown) and content.encodes is not None:
        return content.encodes
    read = Reader(subject.project.documents).read(document) if not isinstance(content, Reference) else None
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
    fields["conditions"] = Node(Items(tuple(_conditions(condition, scenario)), _hidden(condition, scenario)), place)
    return Node(Entries(fields), node.span, node.key_span, node.origins)


def _texts(node: Node, scenario: Scenario) -> Items:
    """Read one text or a list of them; a text that is known in part is one of them."""
    listed = items(node, scenario)
    if isinstance(listed, Items):
        return listed
    return Items((), listed) if listed.pattern == "*" else Items((node,))


def _conditions(node: Node | None, scenario: Scenario) -> Iterator[Node]:
    """Give each condition: its operator, key and values."""
    operators = settle(node, scenario).content if node is not None else None
    for operator, keys in operators.nodes.items() if isinstance(operators, Entries) else ():
        settled = settle(keys, scenario).content
        for key, values in settled.nodes.items() if isinstance(settled, Entries) else ():
            fields = {"operator": Node(operator, values.span), "key": Node(key, values.span), "values": values}
            yield Node(Entries(fields), values.span, values.key_span)


def _hidden(condition: Node | None, scenario: Scenario) -> Unknown | None:
    """Say why there may be more conditions than the known ones."""
    content = settle(condition, scenario).content if condition is not None else None
    for part in (content, *(settle(node, scenario).content for node in getattr(content, "nodes", {}).values())):
        if isinstance(part, Unknown):
            return part
        if isinstance(part, Entries) and part.rest is not None:
            return part.rest
    return None


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
