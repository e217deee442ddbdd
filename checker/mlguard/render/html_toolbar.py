"""The filters of a page: what findings can be told apart by, where there is more than one of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from mlguard.finding import Report
from mlguard.render.fragments import EMPTY, Html, fragment, joined
from mlguard.render.html_charts import UNTOLD
from mlguard.render.html_findings import Cards, environments_of
from mlguard.render.totals import by_severity

_GUARDRAILS = {"preventive": "prevents", "protective": "protects", "none": "none"}
_STATUSES = {"new": "new", "worse": "worse", "existing": "existing"}
_NAME = 120


def toolbar(report: Report, cards: Cards) -> Html:
    """Write the form, hidden until the script that answers to it runs."""
    shown = report.counted()
    chips = [
        fragment("severity", kind=label, count=f"{count:,}") for label, count in by_severity(shown).items() if count
    ]
    projects = (name for finding in shown for name in cards.projects_of(finding))
    environments = (name for finding in shown for name in environments_of(finding))
    selects = [
        _fixed("Status", "status", _STATUSES, (finding.status for finding in shown)),
        _named("Pack", "pack", cards.packs, (finding.policy.pack for finding in shown)),
        _named("Policy", "policy", cards.policies, (finding.policy.id for finding in shown)),
        _named("Project", "project", cards.projects, projects),
        _named("Environment", "environment", cards.environments, environments),
        _fixed("Guardrail", "guardrail", _GUARDRAILS, (finding.policy.guardrail.enforce for finding in shown)),
    ]
    return fragment("toolbar", severities=joined(chips), selects=joined(selects, "\n"))


def _fixed(title: str, name: str, texts: Mapping[str, str], values: Iterable[str]) -> Html:
    counted = Counter(values)
    options = [_option(value, said, counted[value]) for value, said in texts.items() if counted[value]]
    return _select(title, name, options)


def _named(title: str, name: str, numbers: Mapping[str, int], names: Iterable[str]) -> Html:
    counted = Counter(names)
    options = [_option(str(number), key or UNTOLD, counted[key]) for key, number in numbers.items() if counted[key]]
    return _select(title, name, options)


def _option(value: str, said: str, count: int) -> Html:
    return fragment("option", value=value, text=said[:_NAME], count=f"{count:,}")


def _select(title: str, name: str, options: list[Html]) -> Html:
    return fragment("select", title=title, name=name, options=joined(options)) if len(options) > 1 else EMPTY
