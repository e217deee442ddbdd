"""AWS Budgets: whether anybody hears of a budget that is exceeded."""

from __future__ import annotations

import re

from mlguard.scenario import Scenario
from mlguard.value import Content, Node, Unknown, items, text_of
from mlguard.vocabulary.derived.subject import Subject

_PLACEHOLDER = re.compile(r"(?:@example\.(?:com|org|net)$|changeme|\btodo\b|your[-_.]?e?mail)", re.IGNORECASE)


def subscriber_state(subject: Subject, scenario: Scenario) -> Content | Node:
    """Say who receives one notification: `someone`, `nobody`, or `placeholder` when every address is made up."""
    at = subject.item
    if at is None:
        return None
    addresses: list[Node] = []
    for name in ("subscribers", "emails", "topics"):
        listed = items(subject.field(name, scenario), scenario)
        if isinstance(listed, Unknown):
            return listed
        if listed.rest is not None:
            return listed.rest
        addresses.extend(listed.nodes)
    if not addresses:
        return Node("nobody", at.span, at.key_span)
    written = [text_of(address.content) for address in addresses]
    if all(text is not None and _PLACEHOLDER.search(text) for text in written):
        return Node("placeholder", addresses[0].span, addresses[0].key_span, addresses[0].origins)
    return "someone"
