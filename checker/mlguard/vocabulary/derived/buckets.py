"""S3: whether the lifecycle rules of a bucket ever free any storage."""

from __future__ import annotations

from mlguard.scenario import Scenario
from mlguard.value import Content, Node, Unknown, child, items
from mlguard.vocabulary.derived.subject import Subject


def lifecycle_state(subject: Subject, scenario: Scenario) -> Content | Node:
    """Say what the lifecycle rules of a bucket do.

    `missing` without any; `effective` when one is enabled and expires or moves objects; `disabled` when none is
    enabled; `frees-nothing` when the enabled ones only abort uploads or clear delete markers.
    """
    node = subject.property("lifecycle_rules", scenario)
    if node is None:
        return "missing"
    listed = items(node, scenario)
    if isinstance(listed, Unknown):
        return listed
    enabled = False
    unknown = listed.rest
    for item in listed.nodes:
        answers = [child(item, name, scenario) for name in ("enabled", "frees_storage")]
        contents = [answer.content if answer is not None else False for answer in answers]
        if contents == [True, True]:
            return Node("effective", node.span, node.key_span)
        if not any(content is False for content in contents):
            unknown = unknown or next((content for content in contents if isinstance(content, Unknown)), None)
        enabled = enabled or contents[0] is True
    if unknown is not None:
        return Node(unknown, node.span, node.key_span)
    if not listed.nodes:
        return "missing"
    return Node("frees-nothing" if enabled else "disabled", node.span, node.key_span)
