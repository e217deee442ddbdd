"""S3: whether moving objects to another storage class can pay for itself."""

from __future__ import annotations

from collections.abc import Iterator

from mlguard.knowledge import prices
from mlguard.record import record
from mlguard.scenario import Scenario
from mlguard.value import Content, Entries, Items, Node, Unknown, child, text_of
from mlguard.vocabulary.derived.lifecycle import Rule, number_of, rules_of
from mlguard.vocabulary.derived.subject import Subject

_STANDARD = "STANDARD"
_PRICE_ITEMS = {
    _STANDARD: "s3.standard_first_50tb",
    "STANDARD_IA": "s3.standard_ia",
    "ONEZONE_IA": "s3.onezone_ia",
    "GLACIER_IR": "s3.glacier_ir",
    "GLACIER": "s3.glacier_flexible",
    "Glacier": "s3.glacier_flexible",
    "DEEP_ARCHIVE": "s3.glacier_deep_archive",
}
_BILLED_DAYS = {
    "STANDARD_IA": 30,
    "ONEZONE_IA": 30,
    "GLACIER_IR": 90,
    "GLACIER": 90,
    "Glacier": 90,
    "DEEP_ARCHIVE": 180,
}
"""For how long each class bills an object at least: https://aws.amazon.com/s3/storage-classes/."""
_FIRST_DAY = {"STANDARD_IA": 30, "ONEZONE_IA": 30}
"""Before that day S3 moves nothing there: https://docs.aws.amazon.com/AmazonS3/latest/API/API_Transition.html."""
_COSTLY_WHEN_SMALL = ("GLACIER", "Glacier", "DEEP_ARCHIVE")


@record()
class _Move:
    """Objects go to a class after some days, and from there on after some more, if ever."""

    node: Node
    to: str
    days: float
    before: str
    until: float | None


def storage_moves(subject: Subject, scenario: Scenario) -> Node:
    """List how the rules move objects, each with its `fault`: none, or why the move cannot pay for itself.

    `too-early` and `after-expiry` are refused by S3; `fee` costs more than staying, for the class bills
    `minimum_days` although the objects stay only `kept_days`; `small-objects` are moved although each costs more in
    requests and overhead than it saves for a year. Moves at a date are not judged.
    """
    rules = rules_of(subject, scenario)
    found = [item for rule in rules.listed for item in _of_rule(rule, subject)]
    return Node(Items(tuple(found), rules.rest), rules.node.span, rules.node.key_span)


def _of_rule(rule: Rule, subject: Subject) -> Iterator[Node]:
    enabled = rule.enabled()
    for steps, end in (("transitions", "expires_days"), ("old_transitions", "old_days")):
        for told in _judged(rule, steps, end, subject):
            if enabled is True or told[1]["fault"] == "none":
                yield _item(*told)
            else:
                yield _item(told[0], {**told[1], "fault": enabled})


def _item(at: Node, contents: dict[str, Content]) -> Node:
    fields = {name: Node(content, at.span, at.key_span, at.origins) for name, content in contents.items()}
    return Node(Entries(fields), at.span, at.key_span, at.origins)


def _judged(rule: Rule, steps: str, end: str, subject: Subject) -> Iterator[tuple[Node, dict[str, Content]]]:
    read = [_step(step, rule.scenario) for step in rule.steps(steps)]
    expiry = number_of(rule.field(end))
    unknown = next((why for _, _, why in read if why is not None), expiry if isinstance(expiry, Unknown) else None)
    if unknown is not None:
        for step, _, _ in read:
            yield step, {"fault": unknown}
        return
    expires = expiry if isinstance(expiry, float) and expiry > 0 else None
    if expires is not None and steps == "old_transitions" and rule.field("old_kept") is not None:
        expires = None  # some of them stay longer than that
    moves = sorted(
        (one for step, to, _ in read if to is not None for one in [(to[1], to[0], step)]), key=lambda m: m[0]
    )
    for index, (days, to, step) in enumerate(moves):
        later = [day for day, _, _ in moves[index + 1 :]] + ([expires] if expires is not None else [])
        before = moves[index - 1][1] if index else _STANDARD
        move = _Move(step, to, days, before, min(later, default=None))
        yield step, _told(move, expires, _small(rule, to, subject))


def _step(step: Node, scenario: Scenario) -> tuple[Node, tuple[str, float] | None, Unknown | None]:
    """Read one step: its class and day, or why they are not known; neither where it goes by a date."""
    to, days = child(step, "storage_class", scenario), number_of(child(step, "days", scenario))
    if days is None and child(step, "date", scenario) is not None:
        return step, None, None
    written = text_of(to.content) if to is not None else None
    if isinstance(days, Unknown) or written is None:
        hidden = days if isinstance(days, Unknown) else to.content if to is not None else None
        return step, None, hidden if isinstance(hidden, Unknown) else Unknown("the storage class is not written")
    return step, (written, days or 0.0), None


def _told(move: _Move, expires: float | None, small: Content) -> dict[str, Content]:
    told: dict[str, Content] = {"storage_class": move.to, "days": _whole(move.days), "before": move.before}
    if move.days < _FIRST_DAY.get(move.to, 0):
        return {**told, "fault": "too-early", "minimum_days": _FIRST_DAY[move.to]}
    if expires is not None and expires <= move.days:
        return {**told, "fault": "after-expiry", "kept_days": _whole(expires)}
    if move.until is not None and _costs_more(move.to, move.before, move.until - move.days):
        kept = _whole(move.until - move.days)
        return {**told, "fault": "fee", "kept_days": kept, "minimum_days": _BILLED_DAYS[move.to]}
    return {**told, "fault": small}


def _costs_more(to: str, before: str, kept_days: float) -> bool:
    """Tell whether storage alone costs at least as much there as staying would, requests left aside."""
    there, here = _price(to), _price(before)
    if there is None or here is None:
        return False
    return max(kept_days, _BILLED_DAYS[to]) * there >= kept_days * here


def _price(storage_class: str) -> float | None:
    item = _PRICE_ITEMS.get(storage_class)
    rate = prices.storage(item) if item is not None else None
    return rate.usd if rate is not None else None


def _small(rule: Rule, to: str, subject: Subject) -> Content:
    if to not in _COSTLY_WHEN_SMALL or rule.field("larger_than") is not None:
        return "none"
    smallest = subject.property("smallest_moved", rule.scenario)
    if smallest is None:
        return "none"
    if isinstance(smallest.content, Unknown):
        return smallest.content
    return "small-objects" if text_of(smallest.content) == "varies_by_storage_class" else "none"


def _whole(number: float) -> Content:
    return int(number) if number.is_integer() else number
