"""CloudTrail: whether a trail records every access to data, or only what somebody asked for."""

from __future__ import annotations

from collections.abc import Iterator

from mlguard.patterns import lazy_pattern
from mlguard.scenario import Scenario
from mlguard.value import Content, Entries, Items, Node, Unknown, child, items, text_of
from mlguard.vocabulary.derived.subject import Subject
from mlguard.vocabulary.model import snake_case

_EVERY_RESOURCE = lazy_pattern(r"arn:[\w*-]+:(?:s3(?::::?/?\*?)?|lambda|dynamodb)\Z")
_BUSY = lazy_pattern(r"AWS::(?:S3::Object|S3Express::Object|SageMaker::\w+|Bedrock::\w+)\Z")
_TESTS = ("Equals", "StartsWith", "EndsWith", "NotEquals", "NotStartsWith", "NotEndsWith")
_KINDS = frozenset(("eventCategory", "resources.type"))


def data_events(subject: Subject, scenario: Scenario) -> Node | None:
    """List the data events that a trail or event data store records, each with `records` and `of`.

    `records` is `everything` for all resources of a type and reads too, `filtered` otherwise; `of` is the type.
    """
    found: list[Node] = []
    rest: Unknown | None = None
    for name, read in (("selectors", _basic), ("advanced_selectors", _advanced)):
        listed = items(subject.property(name, scenario), scenario)
        if isinstance(listed, Unknown):
            rest = listed
            continue
        rest = rest or listed.rest
        for selector in listed.nodes:
            found.extend(read(selector, scenario))
    return Node(Items(tuple(found), rest), subject.resource.raw.name_span) if found or rest else None


def _basic(selector: Node, scenario: Scenario) -> Iterator[Node]:
    direction = child(selector, "read_write", scenario)
    listed = items(child(selector, "resources", scenario), scenario)
    if isinstance(listed, Unknown):
        yield _event(listed, "a type that is not known", selector)
        return
    for resource in listed.nodes:
        kind, values = _either(resource, "Type", scenario), items(_either(resource, "Values", scenario), scenario)
        if direction is not None and text_of(direction.content) == "WriteOnly":
            records: Content = "filtered"
        elif isinstance(values, Unknown):
            records = values
        else:
            records = _reach(values)
            if records == "everything" and direction is not None and isinstance(direction.content, Unknown):
                records = direction.content
        yield _event(records, _shown(kind), resource)


def _reach(values: Items) -> Content:
    unknown = values.rest
    for node in values.nodes:
        written = text_of(node.content)
        if written is not None and _EVERY_RESOURCE.match(written):
            return "everything"
        if written is None and isinstance(node.content, Unknown) and node.content.pattern == "*":
            unknown = node.content
    return unknown or "filtered"


def _advanced(selector: Node, scenario: Scenario) -> Iterator[Node]:
    listed = items(child(selector, "fields", scenario), scenario)
    if isinstance(listed, Unknown):
        yield _event(listed, "a type that is not known", selector)
        return
    fields = {_shown(_either(field, "Field", scenario)): field for field in listed.nodes}
    category = _equals(fields.get("eventCategory"), scenario)
    kinds = [kind for kind in _equals(fields.get("resources.type"), scenario) if _BUSY.match(kind)]
    if "Data" not in category or not kinds:
        return
    narrowed = any(_narrows(name, field, scenario) for name, field in fields.items())
    at = fields["resources.type"]
    yield _event("filtered" if narrowed else listed.rest or "everything", ", ".join(kinds), at)


def _narrows(name: str, field: Node, scenario: Scenario) -> bool:
    """Tell whether a field leaves events out that would be costly: reads, or some of the resources."""
    if name in _KINDS:
        return False
    if name == "readOnly":
        return "true" not in _equals(field, scenario)
    tests = [(test, items(_either(field, test, scenario), scenario)) for test in _TESTS]
    given = [(test, values) for test, values in tests if isinstance(values, Unknown) or values.nodes or values.rest]
    if name != "resources.ARN":
        return bool(given)
    return any(
        test.startswith("Not") or isinstance(values, Unknown) or _reach(values) != "everything"
        for test, values in given
    )


def _equals(field: Node | None, scenario: Scenario) -> list[str]:
    listed = items(_either(field, "Equals", scenario), scenario) if field is not None else Items(())
    nodes = listed.nodes if not isinstance(listed, Unknown) else ()
    return [text for node in nodes if (text := text_of(node.content)) is not None]


def _either(node: Node, key: str, scenario: Scenario) -> Node | None:
    """Look a key up in CloudFormation's spelling, then in Terraform's."""
    return child(node, key, scenario) or child(node, snake_case(key), scenario)


def _shown(node: Node | None) -> str:
    return (text_of(node.content) if node is not None else None) or "a type that is not known"


def _event(records: Content, of: str, at: Node) -> Node:
    entries = {"records": Node(records, at.span, at.key_span), "of": Node(of, at.span, at.key_span)}
    return Node(Entries(entries), at.span, at.key_span, at.origins)
