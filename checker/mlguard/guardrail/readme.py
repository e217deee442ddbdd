"""The page beside generated SCPs: what they deny, how to roll them out, how to get rid of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from mlguard.guardrail.companions import Companion
from mlguard.guardrail.document import Guardrails
from mlguard.guardrail.introduction import Introduction, introduction


def readme(guardrails: Guardrails, companions: Sequence[Companion] = ()) -> str:
    """Give the page as Markdown."""
    return "\n".join(_lines(guardrails, companions)) + "\n"


def _lines(guardrails: Guardrails, companions: Sequence[Companion]) -> Iterator[str]:
    yield f"# Guardrails of {guardrails.environment}"
    yield ""
    for document in guardrails.documents:
        count = len(document.content["Statement"])
        size = f"{len(document.text):,} of {guardrails.max_chars:,} characters"
        yield f"- `{document.name}.json`: {size}, {count} statements"
    if not guardrails.documents:
        yield "No statement: nothing of what was chosen can be enforced by an SCP here."
    yield ""
    told = introduction(guardrails)
    if guardrails.documents:
        yield from _rolling_out(told)
        yield from _section("Who is exempt", [f"`{pattern}`" for pattern in told.exempt])
        yield from _section("Who is never bound", told.never_bound)
        yield from _section("Requests that will be denied", [f"`{one}`" for one in told.denied])
        yield from _section("Requests that will pass", [f"`{one}`" for one in told.passing])
        yield from _table(guardrails.manifest)
    yield from _section("What is left open", guardrails.gaps)
    no_scp = [f"`{policy}`: {because}" for policy, because in guardrails.not_enforceable]
    yield from _section("What no SCP can stop", no_scp)
    yield from _section("Companions", [f"`{one.name}`: {one.what}" for one in companions])


def _section(title: str, points: Sequence[str]) -> Iterator[str]:
    if points:
        yield f"## {title}"
        yield ""
        yield from (f"- {point}" for point in points)
        yield ""


def _rolling_out(told: Introduction) -> Iterator[str]:
    yield "## Roll-out and rollback"
    yield ""
    yield from (f"{number}. {step}" for number, step in enumerate(told.roll_out, 1))
    yield ""
    yield "To go back, for each policy:"
    yield ""
    yield f"    {told.roll_back}"
    yield ""


def _table(manifest: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    yield "## Statements"
    yield ""
    yield "| statement | verdict | policies | side effects |"
    yield "| --- | --- | --- | --- |"
    for sid, entry in manifest.items():
        policies = ", ".join(cast("Sequence[str]", entry["policies"])) or "break-glass protection"
        effects = "; ".join(cast("Sequence[str]", entry["side_effects"])) or "none known"
        yield f"| {sid} | {entry['enforce']} | {policies} | {effects} |"
    yield ""
