"""Report once what the scans of one project say, that is made for each environment it is deployed to."""

from __future__ import annotations

from collections.abc import Sequence

from mlguard.finding import Finding
from mlguard.record import replace
from mlguard.scan.judging import Judged

Key = tuple[object, ...]


def merged(findings: Sequence[Finding], projects: Sequence[Judged]) -> list[Finding]:
    """Give each mistake once; one that only some environments of its project make says which."""
    deployed: dict[str, dict[str, None]] = {}
    for project in projects:
        if project.environment:
            deployed.setdefault(project.path, {})[project.environment] = None
    groups: dict[Key, list[Finding]] = {}
    for finding in findings:
        key = (finding.project, finding.at, finding.policy.id, finding.resource, finding.message, finding.construct)
        groups.setdefault(key, []).append(finding)
    return [_told(group, deployed) for group in groups.values()]


def _told(group: Sequence[Finding], deployed: dict[str, dict[str, None]]) -> Finding:
    chosen = next((finding for finding in group if finding.suppressed is None), group[0])
    parts = dict.fromkeys(part for finding in group for part in finding.exposure)
    chosen = replace(chosen, exposure=tuple(parts))
    everywhere = deployed.get(chosen.project, {})
    here = {finding.environment for finding in group if finding.project == chosen.project}
    names = [name for name in everywhere if name in here]
    if not names or len(names) == len(everywhere):
        return chosen
    only = f"environment = {' or '.join(names)}"
    return replace(chosen, when=f"{only} and {chosen.when}" if chosen.when else only)
