"""What the findings of a scan call for, and which of them no SCP stops."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from mlguard.guardrail.document import Guardrails
from mlguard.policy.model import Policy
from mlguard.record import record
from mlguard.rehearsal.calls import CALLS
from mlguard.vocabulary.load import bundled_vocabulary
from mlguard.vocabulary.model import awscc_type


@record()
class Reported:
    """A finding of a JSON report: which policy, in which environment, and where."""

    policy: str
    environment: str
    resource: str
    resource_type: str
    path: str
    line: int

    @property
    def place(self) -> str:
        """Give the place in words: `main.tf:3 aws_instance.a`."""
        return f"{self.path}:{self.line} {self.resource}".rstrip()


@record()
class Unstopped:
    """Findings of a policy that the SCPs do not stop, and why."""

    policy: str
    because: str
    findings: tuple[Reported, ...]


def reported(content: Any) -> list[Reported]:  # noqa: ANN401  (JSON data)
    """Give the findings of a report that were not suppressed; ValueError, KeyError or TypeError where it is none."""
    return [
        Reported(
            str(one["policy"]),
            str(one.get("environment") or ""),
            str(one.get("resource") or ""),
            str(one.get("resource_type") or ""),
            str(one["path"]),
            int(one["line"] or 0),
        )
        for one in content["findings"]
        if not one.get("suppressed")
    ]


def called_for(policies: Sequence[Policy], findings: Sequence[Reported], environment: str = "") -> list[Policy]:
    """Give the policies that have findings, in one environment or, by default, anywhere."""
    found = {one.policy for one in findings if not environment or one.environment in ("", environment)}
    return [policy for policy in policies if policy.id in found]


def unstopped(
    findings: Sequence[Reported], policies: Sequence[Policy], made: Sequence[Guardrails]
) -> Iterator[Unstopped]:
    """Tell which findings the SCPs do not stop, policy by policy, and why."""
    by_id = {policy.id: policy for policy in policies}
    for name in sorted({one.policy for one in findings}):
        of_policy = tuple(one for one in findings if one.policy == name)
        policy = by_id.get(name)
        if policy is None:
            yield Unstopped(name, "the policy is not among the chosen ones", of_policy)
        elif policy.guardrail.enforce == "none":
            because = policy.guardrail.limits or "no condition key of AWS tells it"
            yield Unstopped(name, f"no SCP can stop it: {because}", of_policy)
        elif policy.guardrail.enforce == "protective":
            because = f"an SCP only keeps the cure from being removed: {policy.guardrail.limits}"
            yield Unstopped(name, because, of_policy)
        else:
            beyond = tuple(one for one in of_policy if not _reached(policy, one.resource_type))
            if beyond:
                yield Unstopped(name, f"no statement is about such a resource: {policy.guardrail.limits}", beyond)
            rest = tuple(one for one in of_policy if one not in beyond)
            yield from _left_out(name, rest, {one.environment: one for one in made})


def _reached(policy: Policy, raw: str) -> bool:
    """Tell whether the calls that create a resource of a type are among those that a policy denies.

    What a policy denies later, such as questions to a model, stands in no call that creates something.
    """
    denied = {action for statement in policy.guardrail.statements for action in statement.actions}
    kinds = bundled_vocabulary().kinds
    by_kind = {kind: {call.action for call in calls} for kind, calls in CALLS.items()}
    of_type = [name for name, kind in kinds.items() if _is_of(raw, kind.types)]
    if not of_type or not denied & set().union(*by_kind.values()):
        return True
    return any(denied & by_kind.get(kind, set()) for kind in of_type)


def _is_of(raw: str, types: Iterable[str]) -> bool:
    return any(raw == one or (one.startswith("AWS::") and raw == awscc_type(one)) for one in types)


def _left_out(policy: str, findings: Sequence[Reported], made: Mapping[str, Guardrails]) -> Iterator[Unstopped]:
    """Find a preventive policy that makes no statement in the environment of its findings."""
    for environment, guardrails in made.items():
        here = tuple(one for one in findings if one.environment in ("", environment))
        why = "; ".join(because for name, because in guardrails.left_out if name == policy)
        if here and why and not any(policy in entry["policies"] for entry in guardrails.manifest.values()):
            yield Unstopped(policy, why, here)
