"""What somebody must know before attaching generated SCPs: said on their page, and at the head of their code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mlguard.guardrail.document import Guardrails
from mlguard.guardrail.effects import NEVER_BOUND
from mlguard.guardrail.probes import probes
from mlguard.record import record


@record()
class Introduction:
    """The roll-out order, the way back, who is exempt or never bound, and requests to try."""

    roll_out: tuple[str, ...]
    roll_back: str
    exempt: tuple[str, ...]
    never_bound: tuple[str, ...]
    denied: tuple[str, ...]
    passing: tuple[str, ...]


ROLL_BACK = "aws organizations detach-policy --policy-id p-... --target-id ou-..."


def introduction(guardrails: Guardrails) -> Introduction:
    """Introduce the SCPs of an environment."""
    environment = guardrails.environment
    tried = probes(guardrails.statements)
    return Introduction(
        (
            f"Rehearse: mlguard scp impact --environment {environment} PATH for the code of each team.",
            "Create the policies and attach them to an OU of a sandbox, then to one account, then to the OU.",
            "Try the requests below after each step, and wait a day for what runs on a schedule.",
            "Keep FullAWSAccess attached, and never begin with the root: it reaches every account at once.",
        ),
        ROLL_BACK,
        guardrails.exempt,
        NEVER_BOUND,
        tried.denied,
        tried.passing,
    )


_HEADINGS: Mapping[str, str] = {
    "roll_out": "Roll-out",
    "exempt": "Who is exempt",
    "never_bound": "Who is never bound",
    "denied": "Requests that will be denied",
    "passing": "Requests that will pass",
}


def as_comment(guardrails: Guardrails) -> list[str]:
    """Give the introduction as lines of a comment in Terraform or a shell script."""
    told = introduction(guardrails)
    lines: list[str] = []
    for name, heading in _HEADINGS.items():
        points: Sequence[str] = getattr(told, name)
        if points:
            lines += [f"# {heading}:", *(f"#   {point}" for point in points)]
        if name == "roll_out":
            lines += ["# To go back, for each policy:", f"#   {told.roll_back}"]
    return lines


def as_metadata(guardrails: Guardrails) -> Mapping[str, object]:
    """Give the introduction as the metadata of a CloudFormation template."""
    told = introduction(guardrails)
    metadata: dict[str, object] = {heading: list(getattr(told, name)) for name, heading in _HEADINGS.items()}
    return {**metadata, "To go back, for each policy": told.roll_back}
