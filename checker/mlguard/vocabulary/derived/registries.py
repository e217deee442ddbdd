"""ECR: whether the lifecycle policy of a repository ever expires an image."""

from __future__ import annotations

import json

from mlguard.scenario import Scenario
from mlguard.value import Content, Node, Unknown, text_of
from mlguard.vocabulary.derived.subject import Subject

_MAX_POLICY = 100_000


def image_expiry(subject: Subject, scenario: Scenario) -> Content | Node:
    """Say what the lifecycle policy expires: `all`, `untagged` (only those), `nothing`; absent without a policy.

    Untagged images come about when a tag moves, so in a repository of immutable tags `untagged` expires nothing.
    """
    node = subject.property("lifecycle_policy", scenario)
    if node is None:
        return None
    if isinstance(node.content, Unknown):
        return node
    written = text_of(node.content)
    if written is None or len(written) > _MAX_POLICY:
        return Unknown("the lifecycle policy is decided elsewhere")
    try:
        policy = json.loads(written)
    except (ValueError, RecursionError):
        return Unknown("the lifecycle policy is not valid JSON")
    state = _expires(policy)
    immutable = subject.property("tag_mutability", scenario)
    if state == "untagged" and immutable is not None:
        mutability = text_of(immutable.content)
        if mutability is None:
            state_or_unknown: Content = Unknown("whether tags are immutable is decided at deployment")
            return Node(state_or_unknown, node.span, node.key_span)
        state = "untagged" if mutability.startswith("MUTABLE") else "nothing"
    return Node(state, node.span, node.key_span, node.origins)


def _expires(policy: object) -> str:
    rules = policy.get("rules") if isinstance(policy, dict) else None
    statuses: set[str] = set()
    for rule in rules if isinstance(rules, list) else []:
        if not isinstance(rule, dict):
            continue
        action, selection = rule.get("action"), rule.get("selection")
        if isinstance(action, dict) and action.get("type") == "expire" and isinstance(selection, dict):
            statuses.add(str(selection.get("tagStatus", "")).lower())
    if "any" in statuses or {"tagged", "untagged"} <= statuses:
        return "all"
    if "tagged" in statuses:
        return "tagged"
    return "untagged" if "untagged" in statuses else "nothing"
