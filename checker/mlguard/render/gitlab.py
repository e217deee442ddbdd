"""The report as a code quality report of GitLab: what a merge request shows beside the lines it changes."""

from __future__ import annotations

import hashlib
import json

from mlguard.errors import MlguardError
from mlguard.finding import Finding, Report
from mlguard.policy.model import Severity
from mlguard.render.advice import fix_in_brief, repository_path
from mlguard.render.escape import shortened, unicode_text, visible
from mlguard.render.money import exposure_of
from mlguard.render.totals import in_order

_SEVERITIES = {
    Severity.CRITICAL: "blocker",
    Severity.HIGH: "critical",
    Severity.MEDIUM: "major",
    Severity.LOW: "minor",
    Severity.INFO: "info",
}
_TEXT = 2000
_NAME = 400

_Json = dict[str, object]


def render(report: Report) -> str:
    """Render the findings that count, and the problems; GitLab itself tells which ones a merge request adds."""
    issues = [_problem(report, problem) for problem in report.problems]
    issues.extend(_finding(report, finding) for finding in in_order(report.counted()))
    return json.dumps(issues, indent=2) + "\n"


def _finding(report: Report, finding: Finding) -> _Json:
    parts = [finding.message]
    if finding.when:
        parts.append(f"when {finding.when}")
    exposure, fix = exposure_of(finding), fix_in_brief(finding)
    if exposure:
        parts.append(f"at stake: {exposure}")
    if fix:
        parts.append(f"fix: {fix}")
    return {
        "description": "; ".join(_said(part.rstrip(".")) for part in parts),
        "check_name": visible(shortened(finding.policy.id, _NAME)),
        "fingerprint": finding.fingerprint,
        "severity": _SEVERITIES[finding.severity],
        "location": _location(report, finding.at.path, finding.at.line),
    }


def _problem(report: Report, problem: MlguardError) -> _Json:
    parts = ("problem", problem.path, str(problem.line), str(problem.column), problem.message)
    named = "\0".join(parts).encode("utf-8", "surrogatepass")
    return {
        "description": f"mlguard could not read everything: {_said(problem.message)}",
        "check_name": "mlguard-problem",
        "fingerprint": hashlib.blake2b(named, digest_size=12).hexdigest(),
        "severity": "critical",
        "location": _location(report, problem.path, problem.line),
    }


def _location(report: Report, path: str, line: int) -> _Json:
    """Give a place in the form that GitLab knows; what no file is to blame for is of the whole repository."""
    shown = unicode_text(repository_path(report, path)) or "."
    return {"path": shown, "lines": {"begin": max(line, 1)}}


def _said(text: str) -> str:
    return visible(shortened(" ".join(text.split()), _TEXT))
