"""Report once what holds alike for several instances of one block, for several calls of one module or template."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mlguard.finding import Finding
from mlguard.patterns import lazy_pattern
from mlguard.record import replace
from mlguard.vocabulary.joins import without_keys

_MAX_SCENARIOS = 3
_MODULES = lazy_pattern(r"^(?:module\.[^.]+\.)+")


def alike(findings: Iterable[Finding]) -> list[Finding]:
    """Give one finding for each distinct verdict and place; it names all resources and relates all their calls.

    What is suppressed for one instance and not for another is told of each.
    """
    groups: dict[tuple[object, ...], list[Finding]] = {}
    for finding in sorted(findings, key=Finding.order):
        message = finding.message
        if finding.resource:
            message = message.replace(finding.resource, _local(finding.resource))
        suppressed = finding.suppressed is not None
        key = (finding.at, finding.policy.id, finding.leaf, finding.severity, message, finding.construct, suppressed)
        groups.setdefault(key, []).append(finding)
    return [_joined(group) for group in groups.values()]


def _local(address: str) -> str:
    """Give an address as the block's own module knows it: `module.m["a"].aws_x.y[0]` is `aws_x.y`."""
    return _MODULES.sub("", without_keys(address))


def _joined(group: Sequence[Finding]) -> Finding:
    related = dict.fromkeys(one for finding in group for one in finding.related)
    others = dict.fromkeys(finding.resource for finding in group[1:] if finding.resource != group[0].resource)
    parts = dict.fromkeys(part for finding in group for part in finding.exposure)
    return replace(
        group[0],
        related=tuple(related),
        also=tuple(others),
        joined=tuple(group) if len(group) > 1 else (),
        when=_when(group),
        exposure=tuple(parts),
        fail_on=min(finding.fail_on for finding in group),
    )


def _when(group: Sequence[Finding]) -> str:
    """Say in which scenarios any of the findings holds; nothing where one of them holds in all."""
    told = list(dict.fromkeys(finding.when for finding in group))
    if "" in told:
        return ""
    more = len(told) - _MAX_SCENARIOS
    return ", or ".join(told[:_MAX_SCENARIOS]) + (f", or in {more} more cases" if more > 0 else "")
