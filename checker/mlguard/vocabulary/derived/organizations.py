"""Organization policies: what is wrong with the SCPs that a project writes by hand."""

from __future__ import annotations

from mlguard.scenario import Scenario
from mlguard.scp.check import faults_of_the_whole
from mlguard.scp.embedded import EmbeddedScp, read_embedded
from mlguard.scp.written import Fault
from mlguard.source import Span
from mlguard.value import Content, Entries, Items, Node, settle
from mlguard.vocabulary.derived.subject import Subject

_KIND = "organizations.policy"
_OPEN_DOORS = frozenset(("sibling-actions-left-open",))  # a guardrail that everybody believes in and walks around
# who is exempt from a guardrail of security, or how much an account in quarantine may do, is no matter of cost
_OF_COST_GUARDRAILS = frozenset(("allow-list", "denies-cleaning-up", "denies-too-much", "no-break-glass-exemption"))
_MACHINE_LEARNING = ("sagemaker", "bedrock")


def scp_defects(subject: Subject, scenario: Scenario) -> Content | Node:
    """List what makes the SCP dangerous or void, each with `check`, `problem` and `sid`, where it stands."""
    own = _embedded(subject.property("content", scenario), subject, scenario)
    if own is None:
        return Items(())
    guards_cost = any(
        action.value.startswith(_MACHINE_LEARNING)
        for statement in own.written.statements
        for action in statement.actions
    )
    faults = [
        fault for fault in (*own.faults, *_of_all(own, subject, scenario)) if _counts(fault, guards_cost=guards_cost)
    ]
    rest = own.written.hidden[0] if own.written.hidden else None
    return Node(Items(tuple(_item(fault) for fault in faults), rest), subject.resource.raw.name_span)


def _embedded(content: Node | None, subject: Subject, scenario: Scenario) -> EmbeddedScp | None:
    return None if content is None else read_embedded(content, subject.project.documents, scenario)


def _of_all(own: EmbeddedScp, subject: Subject, scenario: Scenario) -> list[Fault]:
    """Judge the SCPs of a project together: what one leaves open another may shut."""
    found = [own]
    for sibling in subject.siblings:
        if sibling.kind != _KIND or sibling is subject.resource:
            continue
        other = _embedded(settle(sibling.properties["content"], scenario), subject, scenario)
        if other is not None:
            found.append(other)
    if any(one.written.hidden and not one.written.statements for one in found):
        return []
    return [fault for fault in faults_of_the_whole([one.written for one in found]) if own.holds(fault)]


def _counts(fault: Fault, *, guards_cost: bool) -> bool:
    if fault.check in _OF_COST_GUARDRAILS and not guards_cost:
        return False
    return fault.severity == "error" or fault.check in _OPEN_DOORS


def _item(fault: Fault) -> Node:
    at = Span(fault.path, fault.line, fault.column, fault.line, fault.column)
    statement = f"statement {fault.sid}: " if fault.sid else ""
    correction = f"; correct: {fault.correction}" if fault.correction else ""
    fields = {"check": fault.check, "problem": f"{statement}{fault.message}{correction}", "sid": fault.sid}
    return Node(Entries({name: Node(text, at) for name, text in fields.items()}), at)
