"""The policies about mlguard's own marks in the code: suppressions and baseline entries that no longer say the truth.

They are judged with whatever other policies are, since they are about the check itself; `ignore` leaves them out.
"""

from __future__ import annotations

from mlguard.policy.model import Check, Guardrail, Policy, Severity

PACK = "suppressions"
_NO_GUARDRAIL = Guardrail("none", "It is about comments in code: no request to AWS knows of them.")
_NEVER = Check("kind", "exists", operand=True)


def _policy(name: str, severity: Severity, title: str, why: str, fix: str) -> Policy:
    return Policy(
        id=name,
        title=title,
        severity=severity,
        pack=PACK,
        since="0.2.0",
        applies_to=(),
        require=_NEVER,
        when=None,
        raise_severity_when=None,
        messages={},
        why=why,
        fix_by_hand={"cloudformation": fix, "terraform": fix, "cdk": fix},
        guardrail=_NO_GUARDRAIL,
    )


UNUSED = _policy(
    "suppression-unused",
    Severity.INFO,
    "A suppression hides nothing",
    "What it spoke of was mended, or moved. Left behind, it will hide the next mistake in its place unseen.",
    "Remove the ignore, or the id that hides nothing.",
)
EXPIRED = _policy(
    "suppression-expired",
    Severity.MEDIUM,
    "A suppression has expired",
    "Its author wanted to be asked again on that day. What it hid counts again.",
    "Mend what it hid, or give a new reason and a new day.",
)
UNKNOWN = _policy(
    "suppression-unknown-policy",
    Severity.MEDIUM,
    "A suppression names no policy",
    "A misspelt id hides nothing, and its author believes that it does.",
    "Name the policy by its id or its catalogue id; `mlguard policies` lists them.",
)
WITHOUT_REASON = _policy(
    "suppression-without-reason",
    Severity.MEDIUM,
    "A suppression gives no reason, or no such day",
    "Nobody can tell later whether it still holds. It hides nothing until it says why.",
    "Write the reason behind the bracket: `# mlguard: ignore[policy-id] reason -- until 2027-01-31`.",
)
OF_MANDATORY = _policy(
    "suppression-of-mandatory-policy",
    Severity.MEDIUM,
    "A suppression is of a mandatory policy",
    "The configuration makes the policy mandatory: nothing in the code can leave it out.",
    "Mend what the policy finds, and remove the ignore or the baseline's entry.",
)
STALE = _policy(
    "baseline-entry-stale",
    Severity.INFO,
    "An entry of the baseline matches nothing",
    "What it spoke of was mended, or moved. Left behind, it will hide the next mistake in its place unseen.",
    "Run `mlguard baseline` again to write the baseline without it.",
)

HOUSEKEEPING = (UNUSED, EXPIRED, UNKNOWN, WITHOUT_REASON, OF_MANDATORY, STALE)
"""All of them, by which findings about the check itself are reported."""
