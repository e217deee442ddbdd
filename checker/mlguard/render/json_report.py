"""The report for programs: versioned JSON, described by policies/schema/report.schema.json."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping

import mlguard
from mlguard.errors import MlguardError
from mlguard.finding import Finding, Money, Part, Provenance, Report, Undecided, sum_of
from mlguard.knowledge.prices import price_dates
from mlguard.policy.model import Policy
from mlguard.render.advice import dialect, fix_by_hand, shown_path
from mlguard.render.escape import unicode_text
from mlguard.render.money import monthly_total, totals_by
from mlguard.render.totals import by_severity, by_status, in_order
from mlguard.source import Span

VERSION = 1
"""Raised when a field is removed or changes its meaning; a new field does not raise it."""

_Json = object
_SURROGATE = re.compile(r"\\ud[89a-f]")


def render(report: Report) -> str:
    """Render the report as JSON: ASCII only, keys sorted, the same text for the same report."""
    document = {
        "version": VERSION,
        "tool": {"name": "mlguard", "version": mlguard.__version__},
        "findings": [_finding(report, finding) for finding in in_order(report.findings)],
        "problems": [_problem(report, problem) for problem in report.problems],
        "undecided": [_undecided(report, one) for one in _sorted(report.undecided)],
        "counts": _counts(report),
        "policies": [_policy(policy) for policy in sorted(report.policies, key=lambda policy: policy.id)],
        "notes": list(report.notes),
        "exposure": _exposure(report),
        "comparison": _comparison(report),
        "remarks": [
            {**_path(report, one.path), "line": one.line or None, "kind": one.kind, "text": one.text}
            for one in report.remarks
        ],
        "provenance": _provenance(report.provenance),
    }
    text = _written(document)
    return (_written(_clean(document)) if _SURROGATE.search(text) else text) + "\n"


def _written(document: _Json) -> str:
    return json.dumps(document, ensure_ascii=True, sort_keys=True, indent=2)


def _sorted(undecided: tuple[Undecided, ...]) -> list[Undecided]:
    return sorted(undecided, key=lambda one: (one.at, one.policy.id, one.resource, one.because))


def _clean(value: _Json) -> _Json:
    """Spell out lone surrogates everywhere: many readers of JSON refuse the whole text because of one."""
    if isinstance(value, str):
        return unicode_text(value)
    if isinstance(value, Mapping):
        return {unicode_text(key): _clean(below) for key, below in value.items()}
    if isinstance(value, list):
        return [_clean(below) for below in value]
    return value


def _path(report: Report, path: str) -> dict[str, _Json]:
    """Give a path; one that is not UTF-8 comes with its bytes in base64."""
    shown = shown_path(report, path)
    if unicode_text(shown) == shown:
        return {"path": shown}
    try:
        raw = shown.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raw = shown.encode("utf-8", "surrogatepass")
    return {"path": shown, "path_base64": base64.b64encode(raw).decode("ascii")}


def _place(report: Report, span: Span) -> dict[str, _Json]:
    return {
        **_path(report, span.path),
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
    }


def _finding(report: Report, finding: Finding) -> dict[str, _Json]:
    policy, suppressed = finding.policy, finding.suppressed
    fix = fix_by_hand(finding)
    return {
        **_place(report, finding.at),
        "policy": policy.id,
        "aliases": list(policy.aliases),
        "title": policy.title,
        "severity": finding.severity.label,
        "status": finding.status,
        "was": finding.was,
        "message": finding.message,
        "project": shown_path(report, finding.project),
        "resource": finding.resource,
        "also": list(finding.also),
        "resource_type": finding.resource_type,
        "property": finding.leaf,
        "construct": finding.construct,
        "environment": finding.environment,
        "when": finding.when,
        "related": [{**_place(report, one.span), "what": one.what} for one in finding.related],
        "suppressed": {**_place(report, suppressed.at), "reason": suppressed.reason} if suppressed else None,
        "fingerprint": finding.fingerprint,
        "fix": {"dialect": dialect(finding), "by_hand": fix, "automatic": _automatic(finding)} if fix else None,
        "guardrail": policy.guardrail.enforce,
        "exposure": {
            "monthly_usd": _money(finding.monthly),
            "run_usd": _money(sum_of(finding.exposure, "run")),
            "parts": [_part(report, part) for part in finding.exposure],
        },
    }


def _automatic(finding: Finding) -> _Json:
    """Say what `mlguard scan --fix` would do, or why it does nothing; null where the policy has no fix for this."""
    repair = finding.repair
    if repair is None:
        return None
    safety = "safe" if repair.safe else "unsafe"
    return {"safety": safety, "what": repair.what, "refused": repair.refused or None}


def _money(money: Money) -> _Json:
    """Give a sum, null where there is no figure; its upper end is null where nothing bounds it."""
    return _sum(money) if money.known else None


def _sum(money: Money) -> _Json:
    """Give a sum that is a figure even where it is nothing."""
    return {"low": round(money.low, 2), "high": _rounded(money.high)}


def _rounded(amount: float | None) -> float | None:
    return None if amount is None else round(amount, 2)


def _part(report: Report, part: Part) -> dict[str, _Json]:
    return {
        "project": shown_path(report, part.project),
        "environment": part.environment,
        "resource": part.resource,
        "name": part.name,
        "per": part.per,
        "low": part.low,
        "high": part.high,
        "basis": part.basis,
        "how": part.how,
    }


def _exposure(report: Report) -> dict[str, _Json]:
    by_policy = totals_by(report, lambda finding, _: finding.policy.id)
    by_project = totals_by(report, lambda _, part: shown_path(report, part.project))
    by_environment = totals_by(report, lambda _, part: part.environment)
    return {
        "monthly_usd": _money(monthly_total(report)),
        "by_policy": {name: _money(money) for name, money in by_policy.items()},
        "by_project": {name: _money(money) for name, money in by_project.items()},
        "by_environment": {name: _money(money) for name, money in by_environment.items()},
        "prices": {"date": price_dates(), "what": "list prices in USD, on demand, without discounts and taxes"},
    }


def _comparison(report: Report) -> _Json:
    comparison = report.comparison
    if comparison is None:
        return None
    return {
        "against": comparison.against,
        "by_status": by_status(report),
        "fixed": [_finding(report, finding) for finding in in_order(comparison.fixed)],
        "monthly_usd": {
            "before": None if comparison.before is None else _sum(comparison.before),
            "added": _sum(comparison.added),
        },
    }


def _provenance(made: Provenance | None) -> _Json:
    if made is None:
        return None
    return {
        "version": made.version,
        "configuration": made.configuration,
        "configuration_hash": made.configuration_hash,
        "configuration_ref": made.configuration_ref,
        "policies": made.policies,
        "policies_hash": made.policies_hash,
        "prices": made.prices,
        "settings": list(made.settings),
    }


def _problem(report: Report, problem: MlguardError) -> dict[str, _Json]:
    return {
        **_path(report, problem.path),
        "line": problem.line or None,
        "column": problem.column or None,
        "kind": type(problem).__name__.removesuffix("Error").lower(),
        "message": problem.message,
    }


def _undecided(report: Report, one: Undecided) -> dict[str, _Json]:
    return {
        **_path(report, one.at.path),
        "line": one.at.line,
        "column": one.at.column,
        "policy": one.policy.id,
        "because": one.because,
        "project": shown_path(report, one.project),
        "resource": one.resource,
    }


def _counts(report: Report) -> dict[str, _Json]:
    counts, counted = report.counts, report.counted()
    return {
        "findings": len(counted),
        "failing": len(report.failing()),
        "by_severity": by_severity(counted),
        "suppressed": len(report.findings) - len(counted),
        "problems": len(report.problems),
        "undecided": len(report.undecided),
        "checks": counts.checks,
        "projects": counts.projects,
        "resources": counts.resources,
        "files": {
            "scanned": counts.scanned,
            "partly": counts.partly,
            "failed": counts.failed,
            "skipped": counts.skipped,
        },
    }


def _policy(policy: Policy) -> dict[str, _Json]:
    return {
        "id": policy.id,
        "aliases": list(policy.aliases),
        "title": policy.title,
        "severity": policy.severity.label,
        "pack": policy.pack,
        "built_in": policy.built_in,
    }
