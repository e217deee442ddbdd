"""What jobs and endpoints write to S3 over and over, and when a lifecycle rule of its bucket deletes it."""

from __future__ import annotations

from mlguard.record import replace
from mlguard.scenario import Scenario
from mlguard.value import Content, Entries, Items, Node, Unknown, child, items, text_of
from mlguard.vocabulary.derived.lifecycle import Rule, every, number_of, rules_of, some
from mlguard.vocabulary.derived.objects import Place, locate
from mlguard.vocabulary.derived.subject import Subject

_ON = ("true", "enabled")


def run_outputs(subject: Subject, scenario: Scenario) -> Node:
    """List what a resource writes over and over: what it `holds`, in which `folder` of which `bucket`.

    The `expiry` is `deleted` (after `days`), `kept`, or `off` where nothing is written.
    """
    at = subject.property("outputs", scenario)
    listed = items(at, scenario)
    if at is None or isinstance(listed, Unknown):
        return Node(listed if at is not None else Items(()), subject.resource.raw.name_span)
    found = []
    for item in listed.nodes:
        address = child(item, "uri", scenario)
        if address is None:
            continue
        told = _expiry(subject, item, address, scenario)
        fields = {name: replace(address, content=content) for name, content in told.items()}
        holds = child(item, "holds", scenario)
        fields["holds"] = holds or Node(None, item.span)
        found.append(Node(Entries(fields), address.span, address.key_span, address.origins))
    return Node(Items(tuple(found), listed.rest), at.span, at.key_span)


def _expiry(subject: Subject, item: Node, address: Node, scenario: Scenario) -> dict[str, Content]:
    written = _is_written(subject, item, scenario)
    if written is not True:
        state: Content = written if isinstance(written, Unknown) else "off"
        return {"expiry": state, "days": state if isinstance(state, Unknown) else None}
    place = locate(address, subject.siblings, scenario)
    if not isinstance(place, Place):
        unknown = place or Unknown("its bucket is not a resource of this project, nor are the bucket's lifecycle rules")
        return {"expiry": unknown, "days": unknown}
    folder = place.key if not place.key or place.key.endswith("*") else f"{place.key.rstrip('/')}/"
    rules = rules_of(replace(subject, resource=place.bucket, item=None), scenario)
    deleting = [
        (rule, every((rule.enabled(), rule.has("expires_days", "expires_date"), rule.covers(folder))))
        for rule in rules.listed
    ]
    soonest = min((rule for rule, answer in deleting if answer is True), key=_days, default=None)
    told: dict[str, Content] = {"bucket": place.bucket.address, "folder": folder or "the root"}
    if soonest is not None:
        days = soonest.field("expires_days")
        return {**told, "expiry": "deleted", "days": days.content if days is not None else None}
    perhaps = some(answer for _, answer in deleting)
    unknown_rest = perhaps if isinstance(perhaps, Unknown) else rules.rest
    return {**told, "expiry": unknown_rest or "kept", "days": unknown_rest}


def _days(rule: Rule) -> float:
    number = number_of(rule.field("expires_days"))
    return number if isinstance(number, float) else float("inf")


def _is_written(subject: Subject, item: Node, scenario: Scenario) -> bool | Unknown:
    """Tell whether the writing is switched on; Terraform's provider captures nothing unless it is told to."""
    switch = child(item, "switched_off", scenario)
    if switch is not None:
        return switch.content if isinstance(switch.content, Unknown) else text_of(switch.content) not in _ON
    fields = item.content.nodes if isinstance(item.content, Entries) else {}
    if "switched_on" not in fields:
        return True
    switch = child(item, "switched_on", scenario)
    if switch is None:
        native = subject.resource.raw.type.startswith("aws_")
        return False if native else Unknown("the code does not say whether requests are captured")
    return switch.content if isinstance(switch.content, Unknown) else text_of(switch.content) in _ON
