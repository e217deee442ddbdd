"""What a page tells beside its findings: guardrails, undecided checks, what is accepted or fixed, notes, policies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mlguard.finding import Finding, Report, Undecided, number_of, sum_of
from mlguard.policy.model import Enforcement, Policy
from mlguard.render.fragments import EMPTY, Html, fragment, joined, text
from mlguard.render.html_findings import Cards, place_of
from mlguard.render.html_prose import fix, prose, references, spoken
from mlguard.render.money import exposure_of, range_of
from mlguard.render.totals import by_policy, undecided_reasons, worst_first

_PLACES = 50  # of an undecided check, for each reason
_LANGUAGES = {"cloudformation": "CloudFormation", "terraform": "Terraform", "cdk": "CDK"}
_VERDICTS: dict[Enforcement, str] = {
    "preventive": "An SCP prevents it.",
    "protective": "An SCP protects the remedy.",
    "none": "No SCP reaches it.",
}


def _section(name: str, title: str, content: Html, intro: str = "") -> Html:
    told = fragment("intro", content=spoken(intro)) if intro else EMPTY
    return fragment("section", name=name, title=title, intro=told, content=content)


def _table(heads: Sequence[tuple[str, str]], rows: Iterable[Sequence[Html]]) -> Html:
    """Write a table; each head has its text and the kind of its column."""
    lines = (
        joined(fragment("cell", kind=kind, content=cell) for (_, kind), cell in zip(heads, row, strict=True))
        for row in rows
    )
    head = joined(fragment("head", text=title, kind=kind) for title, kind in heads)
    return fragment("table", heads=head, rows=joined(fragment("row", cells=cells) for cells in lines))


def _code(content: str) -> Html:
    return fragment("mono", text=content)


def _pill(finding: Finding) -> Html:
    return fragment("pill", severity=finding.severity.label)


def fixed(report: Report) -> Html:
    """List the findings that the change took away."""
    gone = worst_first(report.comparison.fixed) if report.comparison is not None else []
    if not gone:
        return EMPTY
    heads = (
        ("Severity", "short"),
        ("Where it was", ""),
        ("Policy", "name"),
        ("What was wrong", ""),
        ("At stake", "number"),
    )
    rows = (
        (
            _pill(finding),
            _code(place_of(report, finding.at)),
            text(finding.policy.id),
            spoken(finding.message),
            text(exposure_of(finding)),
        )
        for finding in gone
    )
    return _section("fixed", f"{number_of(len(gone), 'finding')} fixed by this change", _table(heads, rows))


def guardrails(report: Report, cards: Cards) -> Html:
    """Tell for each policy with findings whether an organization policy can stop the mistake."""
    groups = by_policy(report.counted())
    if not groups:
        return EMPTY
    order = list(_VERDICTS)
    listed = sorted(groups, key=lambda group: order.index(group[0].policy.guardrail.enforce))
    heads = (
        ("Guardrail", "short"),
        ("Policy", "name"),
        ("Findings", "number"),
        ("At stake each month", "number"),
        ("What it cannot do", ""),
    )
    rows = (_guardrail(cards.policies[group[0].policy.id], group) for group in listed)
    intro = "`mlguard scp generate` writes the SCPs of all these policies; `mlguard scp impact` rehearses them first."
    return _section("guardrails", "Guardrails", _table(heads, rows), intro)


def _guardrail(number: int, group: Sequence[Finding]) -> Sequence[Html]:
    policy = group[0].policy
    return (
        fragment("verdict", guardrail=policy.guardrail.enforce, text=_VERDICTS[policy.guardrail.enforce].rstrip(".")),
        fragment("link", target=f"policy-{number}", text=policy.id),
        text(f"{len(group):,}"),
        text(range_of(sum_of(part for finding in group for part in finding.exposure))),
        spoken(policy.guardrail.limits),
    )


def undecided(report: Report) -> Html:
    """List the reasons why checks are undecided, the most frequent first, each with its places."""
    if not report.undecided:
        return EMPTY
    groups: dict[str, list[Undecided]] = {}
    for one in sorted(report.undecided, key=lambda one: (one.at, one.policy.id, one.resource)):
        groups.setdefault(one.because, []).append(one)
    content = joined(_reason(report, because, groups[because]) for because, _ in undecided_reasons(report))
    title = f"{number_of(len(report.undecided), 'check')} undecided"
    return _section("undecided", title, content, "They need a value that only the deployment decides.")


def _reason(report: Report, because: str, group: Sequence[Undecided]) -> Html:
    places = [
        fragment("undecided", where=place_of(report, one.at), policy=one.policy.id, resource=one.resource)
        for one in group[:_PLACES]
    ]
    if len(group) > _PLACES:
        places.append(fragment("item", content=f"and {len(group) - _PLACES:,} more"))
    return fragment("reason", count=f"{len(group):,}", because=spoken(because), places=joined(places))


def suppressed(report: Report) -> Html:
    """List what its authors accept, with their reasons."""
    hidden = [(finding, finding.suppressed) for finding in worst_first(report.findings) if finding.suppressed]
    if not hidden:
        return EMPTY
    heads = (
        ("Severity", "short"),
        ("Where", ""),
        ("Policy", "name"),
        ("What is wrong", ""),
        ("Why it is accepted", ""),
    )
    rows = (
        (
            _pill(finding),
            _code(place_of(report, finding.at)),
            text(finding.policy.id),
            spoken(finding.message),
            text(suppression.reason),
        )
        for finding, suppression in hidden
    )
    return _section("suppressed", f"{number_of(len(hidden), 'finding')} suppressed", _table(heads, rows))


def notes(report: Report) -> Html:
    """List the remarks on the run."""
    items = joined(fragment("item", content=spoken(note)) for note in report.notes)
    return _section("notes", "Notes", fragment("list", items=items)) if items else EMPTY


def policies(report: Report, cards: Cards) -> Html:
    """Write the page of each policy that has findings: why, how to fix it in each language, and its guardrail."""
    groups = by_policy(report.findings)
    content = joined((_policy(cards.policies[group[0].policy.id], group) for group in groups), "\n")
    return _section("policies", "Policies with findings", content) if groups else EMPTY


def _policy(number: int, group: Sequence[Finding]) -> Html:
    policy = group[0].policy
    counted = [finding for finding in group if finding.suppressed is None]
    money = range_of(sum_of(part for finding in counted for part in finding.exposure))
    return fragment(
        "policy",
        number=number,
        severity=policy.severity.label,
        title=policy.title,
        name=policy.id,
        money=money,
        why=prose(policy.why),
        fixes=joined(_fixes(number, policy)),
        guardrail=policy.guardrail.enforce,
        verdict=_VERDICTS[policy.guardrail.enforce],
        limits=spoken(policy.guardrail.limits),
        references=references(policy),
    )


def _fixes(number: int, policy: Policy) -> Iterable[Html]:
    """Write the fix in each language that has one."""
    for name, language in _LANGUAGES.items():
        written = policy.fix_by_hand.get(name, "")
        if written.strip():
            yield fragment("fix", number=number, dialect=name, language=language, text=fix(written))
