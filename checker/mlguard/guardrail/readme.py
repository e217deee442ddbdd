"""The page beside generated SCPs: what they deny, how to roll them out, how to get rid of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from mlguard.guardrail.companions import Companion
from mlguard.guardrail.document import Guardrails, Options
from mlguard.guardrail.effects import NEVER_BOUND
from mlguard.guardrail.probes import probes
from mlguard.scp.reading import read


def readme(guardrails: Guardrails, options: Options, companions: Sequence[Companion] = ()) -> str:
    """Give the page as Markdown."""
    return "\n".join(_lines(guardrails, options, companions)) + "\n"


def _lines(guardrails: Guardrails, options: Options, companions: Sequence[Companion]) -> Iterator[str]:
    names = [document.name for document in guardrails.documents]
    yield f"# Guardrails of {guardrails.environment}"
    yield ""
    for document in guardrails.documents:
        count = len(document.content["Statement"])
        size = f"{len(document.text):,} of {options.max_chars:,} characters"
        yield f"- `{document.name}.json`: {size}, {count} statements"
    yield ""
    yield from _rolling_out(guardrails.environment, names)
    yield from _section("Who is exempt", [f"`{pattern}`" for pattern in options.exempt])
    yield from _section("Who is never bound", NEVER_BOUND)
    statements = [statement for document in guardrails.documents for statement in read(document.text).statements]
    denied, passing = probes(statements)
    yield from _section("Requests that will be denied", [f"`{one}`" for one in denied])
    yield from _section("Requests that will pass", [f"`{one}`" for one in passing])
    yield from _table(guardrails.manifest)
    no_scp = [f"`{policy}`: {because}" for policy, because in guardrails.not_enforceable]
    yield from _section("What no SCP of these stops", no_scp)
    yield from _section("Companions", [f"`{one.name}`: {one.what}" for one in companions])


def _section(title: str, points: Sequence[str]) -> Iterator[str]:
    if points:
        yield f"## {title}"
        yield ""
        yield from (f"- {point}" for point in points)
        yield ""


def _rolling_out(environment: str, names: Sequence[str]) -> Iterator[str]:
    yield "## Roll-out and rollback"
    yield ""
    yield f"1. Rehearse: `mlguard scp impact --environment {environment} PATH` for the code of each team."
    yield "2. Create the policies and attach them to an OU of a sandbox, then to one account, then to the OU."
    yield "3. Try the requests below after each step, and wait a day for what runs on a schedule."
    yield ""
    yield "Keep FullAWSAccess attached, never attach to the root first. To go back, for each policy:"
    yield ""
    yield "    aws organizations detach-policy --policy-id p-... --target-id ou-..."
    yield ""
    yield f"The policies are {', '.join(f'`{name}`' for name in names)}."
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
