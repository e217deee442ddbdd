"""The report as one HTML page that needs nothing else: no other file, no network, and no script to be complete.

Its parts are in `assets/`. Every text is escaped where it is filled in, and the page's own policy lets only the style
and the script that came with it take part, told by their hashes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import mlguard
from mlguard.errors import MlguardError
from mlguard.finding import Report, number_of
from mlguard.knowledge.prices import price_dates
from mlguard.render.advice import shown_path
from mlguard.render.fragments import EMPTY, Html, asset, content_hash, fragment, joined
from mlguard.render.html_charts import charts
from mlguard.render.html_findings import Cards
from mlguard.render.html_sections import fixed, guardrails, notes, policies, suppressed, undecided
from mlguard.render.html_tiles import tiles
from mlguard.render.html_toolbar import toolbar
from mlguard.render.money import monthly_total, most_of, range_of
from mlguard.render.totals import change_in_brief

_SECTIONS = {
    "exposure": "At stake",
    "findings": "Findings",
    "fixed": "Fixed",
    "guardrails": "Guardrails",
    "undecided": "Undecided",
    "suppressed": "Suppressed",
    "notes": "Notes",
    "policies": "Policies",
}


def render(report: Report) -> str:
    """Render the page: the worst findings first, the dearest first among them."""
    cards, style, script = Cards(report), asset("report.css"), asset("report.js")
    shown = sorted(report.counted(), key=lambda one: (-one.severity, -most_of(one.monthly), one.order()))
    parts = {
        "exposure": charts(report, cards),
        "findings": joined((cards.card(finding) for finding in shown), "\n"),
        "fixed": fixed(report),
        "guardrails": guardrails(report, cards),
        "undecided": undecided(report),
        "suppressed": suppressed(report),
        "notes": notes(report),
        "policies": policies(report, cards),
    }
    page = fragment(
        "page",
        policy=f"default-src 'none'; style-src '{content_hash(style)}'; script-src '{content_hash(script)}'; "
        "base-uri 'none'; form-action 'none'",
        version=mlguard.__version__,
        title=_title(report),
        lead=_lead(report),
        links=joined(_links(parts)),
        banner=joined(_banners(report)),
        tiles=tiles(report),
        charts=parts.pop("exposure"),
        toolbar=toolbar(report, cards) if shown else EMPTY,
        clean=EMPTY if shown else fragment("empty", text=_clean(report)),
        provenance=joined(fragment("term", name=name, text=value) for name, value in _provenance(report)),
        style=style,
        script=script,
        **parts,
    )
    return f"{page}\n"


def _title(report: Report) -> str:
    if report.comparison is not None:
        brief = change_in_brief(report)
        return f"{brief[0].upper()}{brief[1:]}"
    count, at_stake = len(report.counted()), range_of(monthly_total(report))
    if not count:
        return "No findings" if not report.problems else "No findings, but not everything could be read"
    stake = f" {'puts' if count == 1 else 'put'} {at_stake} a month at stake" if at_stake else ""
    return f"{number_of(count, 'finding')}{stake}"


def _lead(report: Report) -> str:
    counts = report.counts
    files = counts.scanned + counts.partly + counts.failed
    return (
        f"{number_of(counts.projects, 'project')}, {number_of(counts.resources, 'resource')}, "
        f"{number_of(files, 'file')}, {number_of(counts.checks, 'check')}; list prices of {price_dates()}, "
        "without discounts and taxes"
    )


def _clean(report: Report) -> str:
    if report.problems:
        return "Nothing was found in what could be read."
    if not report.counts.projects:
        return "There was no infrastructure code to look at."
    return "Nothing was found: none of the policies has anything to say."


def _links(parts: dict[str, Html]) -> Iterator[Html]:
    for name, title in _SECTIONS.items():
        if parts[name]:
            yield fragment("link", target=name, text=title)


def _banners(report: Report) -> Iterator[Html]:
    if report.problems:
        title = f"{number_of(len(report.problems), 'problem')}: the report is not complete"
        yield _banner("problems", title, (_problem(report, problem) for problem in report.problems))
    if report.remarks:
        items = (_told(report, one.path, one.line, one.text) for one in report.remarks)
        yield _banner("remarks", "What a reviewer must know of this check", items)


def _banner(kind: str, title: str, items: Iterable[Html]) -> Html:
    return fragment("banner", kind=kind, title=title, items=joined(items))


def _problem(report: Report, problem: MlguardError) -> Html:
    return _told(report, problem.path, problem.line, problem.message)


def _told(report: Report, path: str, line: int, message: str) -> Html:
    where = shown_path(report, path) + (f":{line}" if line else "")
    place = [fragment("mono", text=where), Html(" ")] if path else []
    return fragment("item", content=joined([*place, fragment("plain", text=message)]))


def _provenance(report: Report) -> Iterator[tuple[str, str]]:
    made = report.provenance
    yield "mlguard", made.version if made is not None else mlguard.__version__
    yield "prices", made.prices if made is not None else price_dates()
    if made is None:
        return
    yield "configuration", " ".join(part for part in (made.configuration, made.configuration_hash) if part)
    if made.configuration_ref:
        yield "configuration of", made.configuration_ref
    yield "policies", f"{made.policies:,} {made.policies_hash}"
    if made.settings:
        yield "options", " ".join(made.settings)
