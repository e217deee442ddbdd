"""The report as SARIF 2.1.0, in the shape that GitHub code scanning reads.

GitHub shows an alert on a pull request only when every line of its region is part of the change: a region is never
more than one line. `primaryLocationLineHash` is left out, since the action that uploads the file computes it from the
source and warns about one that differs.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

import mlguard
from mlguard.errors import MlguardError
from mlguard.finding import Finding, Repair, Report, number_of
from mlguard.policy.model import Policy, Severity
from mlguard.render.advice import first_paragraph, fix_blocks, fix_in_brief, paragraphs, repository_path
from mlguard.render.escape import (
    markdown_code,
    markdown_prose,
    relative_uri,
    sarif_text,
    shortened,
    unicode_text,
    visible,
)
from mlguard.render.money import exposure_of
from mlguard.render.totals import in_order, total, worst_first
from mlguard.source import Span

MAX_RESULTS = 5000
"""As many results as GitHub shows."""

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_BASE = "%SRCROOT%"
_DESCRIPTION = 1000  # GitHub takes 1,024 characters
_TEXT = 4000  # characters of a text that a scanned file has a part in
_LEVELS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.INFO: "note",
}
_PROBLEM_SEVERITIES = {"error": "error", "warning": "warning", "note": "recommendation"}
_BASELINE_STATES = {"new": "new", "worse": "updated", "existing": "unchanged"}
_LANGUAGES = {"cloudformation": "CloudFormation", "terraform": "Terraform", "cdk": "CDK"}

_Json = dict[str, object]


def render(report: Report, *, limit: int = MAX_RESULTS) -> str:
    """Render the report as SARIF, as short as it can be: no space, and no rule without a result.

    Of more than `limit` results the worst are kept, and a notification says so.
    """
    kept = in_order(_kept(report.findings, limit))
    policies = {one.policy.id: one.policy for one in kept}
    index = {name: number for number, name in enumerate(sorted(policies))}
    run: _Json = {
        "tool": {
            "driver": {
                "name": "mlguard",
                "semanticVersion": mlguard.__version__,
                "rules": [_rule(policies[name]) for name in index],
            }
        },
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {_BASE: {"description": {"text": "The root of the repository."}}},
        "invocations": [_invocation(report, len(report.findings) - len(kept))],
        "results": [_result(report, finding, index) for finding in kept],
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, separators=(",", ":")) + "\n"


def _kept(findings: Iterable[Finding], limit: int) -> Sequence[Finding]:
    """Keep the worst; the suppressed ones go first."""
    ordered = worst_first(findings)
    ordered.sort(key=lambda finding: finding.suppressed is not None)
    return ordered[:limit]


def _rule(policy: Policy) -> _Json:
    level = _LEVELS[policy.severity]
    why = first_paragraph(policy.why) or policy.title
    rule: _Json = {
        "id": visible(policy.id),
        "name": "".join(word.capitalize() for word in visible(policy.id).split("-")),
        "shortDescription": {"text": _described(policy.title)},
        "fullDescription": {"text": _described(why)},
        "help": {"text": _help_text(policy), "markdown": _help_markdown(policy)},
        "defaultConfiguration": {"level": level},
        "properties": {
            "tags": ["cost", visible(policy.pack)],
            "precision": "high",
            "problem.severity": _PROBLEM_SEVERITIES[level],
        },
    }
    page = next((one for one in policy.references if one.startswith("https://") and _is_plain(one)), None)
    if page is not None:
        rule["helpUri"] = page
    return rule


def _is_plain(address: str) -> bool:
    """Tell whether an address is made of characters that a URI may hold, and nothing else."""
    return address.isascii() and address.isprintable() and not set(address) & set(' "<>\\^`{|}')


def _described(text: str) -> str:
    return shortened(sarif_text(" ".join(text.split())), _DESCRIPTION)


def _said(text: str) -> str:
    """Write a text that a scanned file has a part in: one line, so that no part of it looks like ours."""
    return sarif_text(" ".join(shortened(text, _TEXT).split()))


def _fixes(policy: Policy) -> Iterable[tuple[str, str]]:
    for name, language in _LANGUAGES.items():
        text = policy.fix_by_hand.get(name, "").strip()
        if text:
            yield language, text


def _help_text(policy: Policy) -> str:
    parts = [*paragraphs(policy.why), *(f"Fix ({language}): {text}" for language, text in _fixes(policy))]
    return sarif_text("\n\n".join(parts) or policy.title)


def _help_markdown(policy: Policy) -> str:
    parts = [markdown_prose(part) for part in paragraphs(policy.why)]
    for language, text in _fixes(policy):
        parts.append(f"**Fix ({language})**")
        parts.extend(_markdown_block(text))
    limits = policy.guardrail.limits
    if policy.guardrail.enforce != "none":
        parts.append(f"**Guardrail**: {markdown_code('mlguard scp generate')} writes it.")
    if limits.strip():
        parts.extend(markdown_prose(part) for part in paragraphs(limits))
    return "\n\n".join(part for part in parts if part) or markdown_prose(policy.title)


def _markdown_block(text: str) -> Iterable[str]:
    """Write a fix: code as code, sentences as prose."""
    for is_code, part in fix_blocks(text):
        if is_code:
            yield "\n".join("    " + visible(line.expandtabs(4)) for line in part.split("\n"))
        else:
            yield from map(markdown_prose, paragraphs(part))


def _result(report: Report, finding: Finding, index: Mapping[str, int]) -> _Json:
    result: _Json = {
        "ruleId": visible(finding.policy.id),
        "ruleIndex": index[finding.policy.id],
        "level": _LEVELS[finding.severity],
        "message": {"text": _message(finding)},
        "locations": [{**_location(report, finding.at), **_logical(finding)}],
        "partialFingerprints": {"mlguardFingerprint/v1": finding.fingerprint},
    }
    if finding.status in _BASELINE_STATES:
        result["baselineState"] = _BASELINE_STATES[finding.status]
    if finding.related:
        result["relatedLocations"] = [
            {"id": number, **_location(report, related.span), "message": {"text": _said(related.what)}}
            for number, related in enumerate(finding.related, 1)
        ]
    if finding.repair is not None and not finding.repair.refused:
        result["fixes"] = [_fix(report, finding.repair)]
    if finding.suppressed is not None:
        at = finding.suppressed.at
        inside = at.path == finding.at.path or at.path in report.documents
        result["suppressions"] = [
            {
                "kind": "inSource" if inside else "external",
                "status": "accepted",
                "justification": _said(finding.suppressed.reason),
                "location": _location(report, at),
            }
        ]
    return result


def _fix(report: Report, repair: Repair) -> _Json:
    """Give what `mlguard scan --fix` would splice in."""
    changes: dict[str, list[_Json]] = {}
    for splice in repair.splices:
        span = report.documents[splice.path].span(splice.start, splice.end)
        region = {
            "startLine": span.line,
            "startColumn": span.column,
            "endLine": span.end_line,
            "endColumn": span.end_column,
        }
        replacement = {"deletedRegion": region, "insertedContent": {"text": unicode_text(splice.text)}}
        changes.setdefault(splice.path, []).append(replacement)
    return {
        "description": {"text": _said(repair.what)},
        "artifactChanges": [
            {"artifactLocation": _artifact(report, path), "replacements": replacements}
            for path, replacements in changes.items()
        ],
    }


def _logical(finding: Finding) -> _Json:
    if not finding.resource:
        return {}
    return {
        "logicalLocations": [{"fullyQualifiedName": visible(shortened(finding.resource, _TEXT)), "kind": "resource"}]
    }


def _message(finding: Finding) -> str:
    parts = [finding.message]
    if finding.when:
        parts.append(f"This holds when {finding.when}.")
    exposure = exposure_of(finding)
    if exposure:
        parts.append(f"At stake: {exposure}.")
    fix = fix_in_brief(finding)
    if fix:
        parts.append(f"Fix: {fix}")
    return "\n".join(map(_said, parts))


def _location(report: Report, span: Span) -> _Json:
    """Point to a place; never to more than one line of it."""
    region: _Json = {"startLine": max(span.line, 1), "startColumn": max(span.column, 1)}
    if span.end_line == span.line and span.end_column > span.column:
        region["endColumn"] = span.end_column
    return {"physicalLocation": {"artifactLocation": _artifact(report, span.path), "region": region}}


def _artifact(report: Report, path: str) -> _Json:
    return {"uri": relative_uri(repository_path(report, path)) or ".", "uriBaseId": _BASE}


def _invocation(report: Report, left_out: int) -> _Json:
    notifications = [_problem(report, problem) for problem in report.problems]
    notifications.extend(_notification(report, "warning", one.text, one.path, one.line) for one in report.remarks)
    if left_out > 0:
        text = f"{number_of(left_out, 'result')} left out, the least severe ones."
        notifications.append({"level": "warning", "message": {"text": text}})
    notifications.extend({"level": "note", "message": {"text": _said(note)}} for note in report.notes)
    notifications.append({"level": "note", "message": {"text": total(report)}})
    return {"executionSuccessful": not report.problems, "toolExecutionNotifications": notifications}


def _problem(report: Report, problem: MlguardError) -> _Json:
    return _notification(report, "error", problem.message, problem.path, problem.line)


def _notification(report: Report, level: str, text: str, path: str, line: int) -> _Json:
    notification: _Json = {"level": level, "message": {"text": _said(text)}}
    if path:
        physical: _Json = {"artifactLocation": _artifact(report, path)}
        if line:
            physical["region"] = {"startLine": line}
        notification["locations"] = [{"physicalLocation": physical}]
    return notification
