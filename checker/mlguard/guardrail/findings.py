"""What the findings of a scan call for, and which of them no SCP stops."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mlguard.guardrail.document import Guardrails
from mlguard.policy.model import Policy
from mlguard.record import record


@record()
class Reported:
    """A finding of a JSON report: which policy, in which environment, and where."""

    policy: str
    environment: str
    resource: str
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
            yield from _left_out(name, of_policy, {one.environment: one for one in made})


def _left_out(policy: str, findings: Sequence[Reported], made: Mapping[str, Guardrails]) -> Iterator[Unstopped]:
    """Find a preventive policy that makes no statement in the environment of its findings."""
    for environment, guardrails in made.items():
        here = tuple(one for one in findings if one.environment in ("", environment))
        why = "; ".join(because for name, because in guardrails.left_out if name == policy)
        if here and why and not any(policy in entry["policies"] for entry in guardrails.manifest.values()):
            yield Unstopped(policy, why, here)
