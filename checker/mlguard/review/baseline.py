"""The baseline: a reviewable file of the findings that were there when mlguard came to the repository.

Each entry says in clear words which mistake it is of, and its fingerprint is computed from them: there is no number in
the file that could mean another mistake than the one a reviewer reads. An entry is of one mistake, never a pattern.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from mlguard.errors import ConfigurationError, MlguardError
from mlguard.finding import Finding, Money, Report, Status, fingerprint_of
from mlguard.knowledge.prices import price_dates
from mlguard.parse.json_document import load_json
from mlguard.policy.housekeeping import HOUSEKEEPING, OF_MANDATORY, STALE
from mlguard.policy.model import Policy, Severity
from mlguard.record import record, replace
from mlguard.render.money import dollars
from mlguard.review.statuses import DEARER
from mlguard.scan.options import Terms
from mlguard.source import Document, Root, Span
from mlguard.value import Entries, Items, Node

VERSION = 1
FILE_NAME = ".mlguard.baseline.json"
_MAX_BYTES = 20_000_000
TermsOf = Callable[[str], Terms]
"""Gives by what a file is judged."""
_KEYS = ("version", "prices", "findings")
_TEXTS = ("policy", "severity", "path", "project", "resource", "property")
_POLICY = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*\Z")


@record()
class Entry:
    """One accepted mistake: the fields that its fingerprint is made of, and how bad it was.

    `monthly_usd` is the most that it put at stake then, None where there was no figure.
    """

    policy: str
    severity: Severity
    path: str
    project: str
    resource: str
    leaf: str
    repeat: int
    monthly_usd: float | None
    at: Span

    @property
    def fingerprint(self) -> str:
        """Identify the mistake as a finding does."""
        return fingerprint_of(self.policy, self.project, self.path, self.resource, self.leaf, self.repeat)


@record(eq=False)
class Baseline:
    """The entries of a baseline file, by fingerprint, and the day of the prices that its sums are by."""

    document: Document
    prices: str
    entries: Mapping[str, Entry]


def read_baseline(root: Root, path: str) -> Baseline:
    """Read a baseline; ConfigurationError with the place of what is wrong in it."""
    try:
        document = root.read(path, _MAX_BYTES)
        top = _entries(load_json(document), "a baseline")
    except ConfigurationError:
        raise
    except MlguardError as error:
        raise ConfigurationError(f"baseline: {error.message}", path, error.line, error.column) from None
    for key, node in top.items():
        if key not in _KEYS:
            raise _refused(f'a baseline has no "{key}"', node)
    version = top.get("version")
    if version is None or str(version.content) != str(VERSION):
        raise ConfigurationError(f"baseline: this version of mlguard reads version {VERSION} of it", path, 1)
    listed = top.get("findings")
    if listed is None or not isinstance(listed.content, Items):
        raise ConfigurationError('baseline: "findings" must be a list', path, 1)
    entries: dict[str, Entry] = {}
    for node in listed.content.nodes:
        entry = _entry(node)
        if entry.fingerprint in entries:
            raise _refused("the same mistake is listed twice", node)
        entries[entry.fingerprint] = entry
    prices = top.get("prices")
    return Baseline(document, str(prices.content) if prices is not None else "", entries)


def _entry(node: Node) -> Entry:
    fields = _entries(node, "an entry")
    for key, value in fields.items():
        if key not in (*_TEXTS, "repeat", "monthly_usd"):
            raise _refused(f'an entry has no "{key}"', value)
    texts = {key: _text(fields, key, node) for key in _TEXTS}
    if "*" in texts["policy"] + texts["path"] + texts["project"] or texts["resource"] in ("*", "**"):
        raise _refused("an entry is of one mistake: a pattern would hide what nobody has seen", node)
    if not _POLICY.match(texts["policy"]):
        raise _refused(f'"{texts["policy"]}" is not the id of a policy', fields["policy"])
    if texts["severity"].upper() not in Severity.__members__:
        raise _refused(f'there is no severity "{texts["severity"]}"', fields["severity"])
    repeat = _number(fields.get("repeat"))
    return Entry(
        policy=texts["policy"],
        severity=Severity.named(texts["severity"]),
        path=texts["path"],
        project=texts["project"],
        resource=texts["resource"],
        leaf=texts["property"],
        repeat=int(repeat or 0),
        monthly_usd=_number(fields.get("monthly_usd")),
        at=node.span.first_line(),
    )


def _entries(node: Node, what: str) -> Mapping[str, Node]:
    if not isinstance(node.content, Entries):
        raise _refused(f"{what} must be a mapping", node)
    return node.content.nodes


def _text(fields: Mapping[str, Node], key: str, node: Node) -> str:
    found = fields.get(key)
    if found is None and key in ("resource", "property"):
        return ""
    if found is None or not isinstance(found.content, str):
        raise _refused(f'an entry needs "{key}", a text', found or node)
    return found.content


def _number(node: Node | None) -> float | None:
    if node is None or node.content is None:
        return None
    content = node.content
    if isinstance(content, bool) or not isinstance(content, int | float) or not 0 <= content < 1e15:  # noqa: PLR2004
        raise _refused("this must be a number", node)
    return content


def _refused(message: str, node: Node) -> ConfigurationError:
    at = node.place
    return ConfigurationError(f"baseline: {message}", at.path, at.line, at.column)


def accepted(report: Report, terms_of: TermsOf) -> list[Finding]:
    """Give the findings that a baseline may hold: none about the check itself, none of a mandatory policy."""
    left_out = {policy.id for policy in HOUSEKEEPING}
    single = (one for finding in report.counted() for one in finding.joined or (finding,))
    return [one for one in single if one.policy.id not in left_out | terms_of(one.at.path).mandatory]


def baseline_text(findings: Iterable[Finding]) -> str:
    """Write a baseline: one mistake a line, sorted, so that a change of it can be read as a difference."""
    rows = {one.fingerprint: _row(one) for one in findings}
    lines = sorted(json.dumps(row, ensure_ascii=True) for row in rows.values())
    head = f'{{\n  "version": {VERSION},\n  "prices": {json.dumps(price_dates())},\n  "findings": ['
    return head + (",".join(f"\n    {line}" for line in lines) + "\n  ]\n}\n" if lines else "]\n}\n")


def _row(finding: Finding) -> dict[str, object]:
    row: dict[str, object] = {
        "path": finding.at.path,
        "policy": finding.policy.id,
        "resource": finding.resource,
        "property": finding.leaf,
        "project": finding.project,
        "severity": finding.severity.label,
    }
    if finding.repeat:
        row["repeat"] = finding.repeat
    figure = _most(finding.monthly)
    if figure is not None:
        row["monthly_usd"] = figure
    return row


def _most(money: Money) -> float | None:
    if not money.known:
        return None
    return round(money.low if money.high is None else money.high, 2)


def against_baseline(report: Report, baseline: Baseline, terms_of: TermsOf, scope: Sequence[str]) -> Report:
    """Mark what the baseline knows as existing; report its entries that match nothing, or hide what is mandatory.

    `scope` are the paths below which everything was scanned: of what lies elsewhere, nothing is known.
    """
    findings = [_marked(one, baseline, terms_of(one.at.path).mandatory) for one in report.findings]
    present = {name for one in report.findings for name in one.fingerprints}
    unread = {problem.path for problem in report.problems}
    ids = {policy.id for policy in report.policies}
    faults = [
        replace(fault, fail_on=terms_of(baseline.document.path).configuration.fail_on)
        for name, entry in baseline.entries.items()
        for fault in _faults(
            entry,
            terms_of(entry.path).mandatory,
            stale=name not in present and entry.policy in ids and entry.path not in unread and _in(entry, scope),
        )
        if fault.policy.id in ids
    ]
    return replace(
        report,
        findings=tuple(sorted([*findings, *faults], key=Finding.order)),
        documents={**report.documents, baseline.document.path: baseline.document},
    )


def _marked(finding: Finding, baseline: Baseline, mandatory: frozenset[str]) -> Finding:
    status, was = _status(finding, baseline, mandatory)
    return replace(finding, status=status, was=was)


def _status(finding: Finding, baseline: Baseline, mandatory: frozenset[str]) -> tuple[Status, str]:
    """Give the status of a finding and, where it got worse, what the baseline accepted in words."""
    known = [baseline.entries[name] for name in finding.fingerprints if name in baseline.entries]
    if not known or finding.policy.id in mandatory:
        return "new", ""
    if len(known) < len(finding.fingerprints):
        return "worse", "in fewer places"
    severity = max(entry.severity for entry in known)
    if finding.severity > severity:
        return "worse", f"{severity.label}, now {finding.severity.label}"
    now, then = _most(finding.monthly), sum(entry.monthly_usd or 0.0 for entry in known)
    comparable = baseline.prices == price_dates() and finding.policy.exposure != "project"
    if comparable and now is not None and now > then * DEARER + 0.01:
        return "worse", f"{dollars(then)} a month" if then else "nothing a month"
    return "existing", ""


def _in(entry: Entry, scope: Sequence[str]) -> bool:
    return any(not path or entry.path == path or entry.path.startswith(f"{path}/") for path in scope)


def _faults(entry: Entry, mandatory: frozenset[str], *, stale: bool) -> Iterator[Finding]:
    what = f"{entry.policy} of {entry.resource or entry.project} in {entry.path}"
    if entry.policy in mandatory:
        yield _fault(OF_MANDATORY, entry, f"{what}: the policy is mandatory, no baseline accepts what it finds")
    elif stale:
        yield _fault(STALE, entry, f"{what} is no more: this entry matches nothing")


def _fault(policy: Policy, entry: Entry, message: str) -> Finding:
    return Finding(
        policy=policy,
        severity=policy.severity,
        message=message,
        at=entry.at,
        project=entry.at.path,
        resource="",
        resource_type="",
        leaf=entry.fingerprint,
    )
