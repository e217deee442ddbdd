"""A few requests that SCPs deny and a few that pass: what somebody tries first after attaching them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from mlguard.guardrail.difference import in_words
from mlguard.guardrail.universe import universe
from mlguard.scp.decide import DEVELOPER, Request, decide
from mlguard.scp.written import WrittenStatement

_WANTED = 5
_ENOUGH = 6_000
_Key = TypeVar("_Key")


def probes(statements: Sequence[WrittenStatement]) -> tuple[list[str], list[str]]:
    """Give five requests that are denied, by different statements where there are so many, and five that pass."""
    denied: dict[tuple[str, ...], Request] = {}
    passing: dict[str, Request] = {}
    for number, request in enumerate(universe(statements)):
        if number > _ENOUGH:
            break
        if request.principal != DEVELOPER:
            continue
        decision = decide(request, statements)
        if decision.outcome == "denied":
            _keep(denied, decision.denied_by, request)
        elif decision.outcome == "allowed":
            _keep(passing, request.action, request)
    chosen = sorted(denied.items(), key=lambda one: (len(one[0]), one[0]))[:_WANTED]
    allowed = sorted(passing.values(), key=lambda request: (-len(request.context), request.action))[:_WANTED]
    return (
        [f"{in_words(request)}: by {', '.join(sids)}" for sids, request in chosen],
        [in_words(request) for request in allowed],
    )


def _keep(found: dict[_Key, Request], key: _Key, request: Request) -> None:
    """Keep the request that says the most: one that lacks a key is no example of what people ask for."""
    if key not in found or len(request.context) > len(found[key].context):
        found[key] = request
