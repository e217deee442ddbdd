"""The charts of a page: bars for what is at stake, drawn as SVG beside the figures that they stand for."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mlguard.finding import Finding, Money, Part, Report
from mlguard.render.advice import shown_path
from mlguard.render.fragments import EMPTY, Html, fragment, joined, text
from mlguard.render.html_findings import Cards
from mlguard.render.money import most_of, range_of, totals_by

_BARS = 8
_WIDTH = 1000  # of a drawing, whatever the page makes of it
UNTOLD = "not told"
"""What a finding of no environment is filed under."""


def charts(report: Report, cards: Cards) -> Html:
    """Draw what is at stake by policy, project and environment; nothing where there are no figures."""
    drawn = [
        _chart(report, "By policy", "policy", cards.policies, lambda finding, _: finding.policy.id),
        _chart(report, "By project", "project", cards.projects, lambda _, part: shown_path(report, part.project)),
        _chart(report, "By environment", "environment", cards.environments, lambda _, part: part.environment),
    ]
    shown = [chart for chart in drawn if chart]
    return fragment("charts", charts=joined(shown)) if shown else EMPTY


def _chart(
    report: Report, title: str, what: str, numbers: Mapping[str, int], name: Callable[[Finding, Part], str]
) -> Html:
    sums = list(totals_by(report, name).items())
    if not sums:
        return EMPTY
    widest = max(most_of(money) for _, money in sums)
    bars = [_bar(what, str(numbers.get(key, "")), key or UNTOLD, money, widest) for key, money in sums]
    left = len(bars) - _BARS
    more = fragment("chart-more", count=left, bars=joined(bars[_BARS:])) if left > 0 else EMPTY
    return fragment("chart", title=title, what=what, bars=joined(bars[:_BARS]), more=more)


def _bar(filter_name: str, value: str, name: str, money: Money, widest: float) -> Html:
    """Draw a bar up to the most that it may be, its lower end darker."""
    return fragment(
        "bar",
        filter=filter_name,
        value=value,
        name=Html(text(name).replace("/", "/<wbr>")),
        high=_length(most_of(money), widest),
        low=_length(money.low, widest),
        money=range_of(money),
    )


def _length(amount: float, widest: float) -> int:
    return max(round(_WIDTH * amount / widest), 4) if amount > 0 else 0


def strip(parts: Mapping[str, int], texts: Mapping[str, str]) -> Html:
    """Draw shares of a whole as one line, with a legend; what is none of it is left out."""
    whole = sum(parts.values())
    if not whole:
        return EMPTY
    pieces, at = [], 0
    counted = {kind: count for kind, count in parts.items() if count}
    done = 0
    for kind, count in counted.items():
        done += count
        end = round(_WIDTH * done / whole)
        pieces.append(fragment("strip-piece", kind=kind, x=at, width=max(end - at, 1)))
        at = end
    legend = [fragment("legend", kind=kind, count=f"{count:,}", text=texts[kind]) for kind, count in counted.items()]
    return fragment("strip", pieces=joined(pieces), legend=joined(legend))
