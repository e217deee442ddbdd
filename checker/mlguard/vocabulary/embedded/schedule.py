"""EventBridge Scheduler: the job that a schedule starts by calling the service itself."""

from __future__ import annotations

from collections.abc import Iterator

from mlguard.record import replace
from mlguard.scenario import Scenario
from mlguard.value import Node, Unknown, child, text_of
from mlguard.vocabulary.embedded.definition import Carrier, Found, job_at, kind_of_call

_NO_REQUEST = "the target says nothing of the job's request"


def schedule_target(carrier: Carrier, scenario: Scenario) -> Iterator[Found]:
    """Give the job that the target starts; `Target` in its request holds the target: its retry policy."""
    target = carrier.definition(scenario)
    if target is None:
        return
    arn = _either(target, "Arn", "arn", scenario)
    content = arn.content if arn is not None else None
    kind = kind_of_call(content.pattern if isinstance(content, Unknown) else text_of(content) or "")
    if kind is None:
        return
    written = _either(target, "Input", "input", scenario)
    request = carrier.reader.read(written) if written is not None else None
    at = written if written is not None else target
    request = request if request is not None else replace(at, content=Unknown(_NO_REQUEST))
    yield job_at(at, kind, "target", request, {"Target": target})


def _either(node: Node, key: str, other: str, scenario: Scenario) -> Node | None:
    found = child(node, key, scenario)
    return found if found is not None else child(node, other, scenario)
