"""S3: what the lifecycle rules of a bucket leave out, and what they lose."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mlguard.resource import Resource
from mlguard.scenario import Scenario
from mlguard.value import Content, Entries, Items, Node, Reference, Unknown, child, items, settle, text_of
from mlguard.vocabulary.derived.lifecycle import Answer, Rule, Rules, every, number_of, rules_of, some
from mlguard.vocabulary.derived.objects import BUCKETS, bucket_addresses, key_in, used_keys
from mlguard.vocabulary.derived.subject import Subject
from mlguard.vocabulary.joins import names_resource

_ARCHIVES = ("GLACIER", "Glacier", "DEEP_ARCHIVE")
"""The classes that nothing can be read from before it is restored; GLACIER_IR is read at once."""
_MAX_SHOWN = 3


def lifecycle_state(subject: Subject, scenario: Scenario) -> Content | Node:
    """Say what the lifecycle rules of a bucket do.

    `missing` without any; `effective` when one is enabled and expires or moves objects; `disabled` when none is
    enabled; `frees-nothing` when the enabled ones only abort uploads or clear delete markers.
    """
    node = subject.property("lifecycle_rules", scenario)
    if node is None:
        return "missing"
    listed = items(node, scenario)
    if isinstance(listed, Unknown):
        return listed
    enabled = False
    unknown = listed.rest
    for item in listed.nodes:
        answers = [child(item, name, scenario) for name in ("enabled", "frees_storage")]
        contents = [answer.content if answer is not None else False for answer in answers]
        if contents == [True, True]:
            return Node("effective", node.span, node.key_span)
        if not any(content is False for content in contents):
            unknown = unknown or next((content for content in contents if isinstance(content, Unknown)), None)
        enabled = enabled or contents[0] is True
    if unknown is not None:
        return Node(unknown, node.span, node.key_span)
    if not listed.nodes:
        return "missing"
    return Node("frees-nothing" if enabled else "disabled", node.span, node.key_span)


def joined_with_bucket(subject: Subject, scenario: Scenario) -> Content:
    """Tell whether a lifecycle configuration is surely that of a bucket of the project."""
    target = subject.property("name", scenario)
    if target is None:
        return False
    if isinstance(target.content, Reference) and target.content.address in bucket_addresses(subject):
        return True
    for sibling in subject.siblings:
        if sibling.kind in BUCKETS and sibling.raw.exists(scenario) is True:
            name = settle(sibling.properties["name"], scenario)
            if names_resource(target, sibling.raw, name if name.content is not None else None) is True:
                return True
    return False


def _told(at: Node, contents: Mapping[str, Content]) -> Node:
    """Make the one item of a list that says what was found out, at the place that it was found out from."""
    fields = {name: Node(content, at.span, at.key_span, at.origins) for name, content in contents.items()}
    return Node(Entries(fields), at.span, at.key_span, at.origins)


def _list_of(at: Node, *told: Node) -> Node:
    return Node(Items(told), at.span, at.key_span)


def lifecycle_coverage(subject: Subject, scenario: Scenario) -> Node:
    """Say which current objects the rules leave as they are for ever: one item with `left_out` and `prefixes`.

    `left_out` is `nothing` when an enabled rule is about every object, or when the rules cover every key that
    machine learning of the project names; `used` when one of those keys is not covered; `others` when every rule is
    limited; `current` when the rules only touch old versions.
    """
    rules = rules_of(subject, scenario)
    acting = [(rule, every((rule.enabled(), rule.acts_on_current()))) for rule in rules.listed]
    whole = _open(some(every((acts, rule.whole())) for rule, acts in acting), rules)
    left_out: Content = "nothing"
    prefixes = ", ".join(dict.fromkeys(text for rule, acts in acting if acts is True and (text := _prefix(rule))))
    if whole is not True:
        keys = used_keys(subject)
        covered = [_open(some(every((acts, rule.covers(key))) for rule, acts in acting), rules) for key in keys]
        if False in covered:
            left_out = "used"
            missed = [key or "/" for key, answer in zip(keys, covered, strict=True) if answer is False]
            prefixes = ", ".join(missed[:_MAX_SHOWN]) + (", …" if len(missed) > _MAX_SHOWN else "")
        elif keys:
            unknown = every(covered)
            left_out = unknown if isinstance(unknown, Unknown) else "nothing"
        elif isinstance(whole, Unknown):
            left_out = whole
        else:
            acts = _open(some(acts for _, acts in acting), rules)
            left_out = acts if isinstance(acts, Unknown) else "others" if acts else "current"
    return _list_of(rules.node, _told(rules.node, {"left_out": left_out, "prefixes": prefixes or None}))


def _open(answer: Answer, rules: Rules) -> Answer:
    """Leave a no open where there may be more rules."""
    return rules.rest if answer is False and rules.rest is not None else answer


def _prefix(rule: Rule) -> str | None:
    node = rule.field("prefix")
    return text_of(node.content) if node is not None else None


def keeps_versions(subject: Subject, scenario: Scenario) -> Content | Node:
    """Tell whether overwritten objects stay: versioning is on, or was and is suspended, or objects are locked."""
    node = subject.property("versioning", scenario)
    if node is not None:
        if isinstance(node.content, Unknown):
            return node
        return Node(text_of(node.content) in ("Enabled", "Suspended", "true"), node.span, node.key_span)
    locked = subject.property("object_lock", scenario)
    if locked is None:
        return False
    if isinstance(locked.content, Unknown):
        return locked
    return Node(text_of(locked.content) in ("true", "Enabled"), locked.span, locked.key_span)


def old_versions(subject: Subject, scenario: Scenario) -> Node:
    """Say what becomes of overwritten versions: one item with `fate`, the `days` until then, and how many stay.

    `fate` is `deleted`, `partly-deleted` (in a part of the bucket), `moved` (to a cheaper class only) or `kept`.
    """
    rules = rules_of(subject, scenario)
    deleting, partly = _doing(rules, "old_days")
    if isinstance(deleting, Rule):
        days, kept = deleting.field("old_days"), deleting.field("old_kept")
        at = days or deleting.node
        told = {"fate": "deleted", "days": _content(days), "kept_versions": _content(kept)}
        return _list_of(at, _told(at, told))
    at = subject.property("versioning", scenario) or rules.node
    fate: Content = deleting or "kept"
    moving = next((rule for rule in rules.listed if rule.enabled() is True and rule.steps("old_transitions")), None)
    if partly is not None:
        at, fate = partly.node, deleting or "partly-deleted"
    elif moving is not None:
        at, fate = moving.node, deleting or "moved"
    return _list_of(at, _told(at, {"fate": fate, "days": deleting}))


def unfinished_uploads(subject: Subject, scenario: Scenario) -> Node:
    """Say what becomes of uploads that were never finished: one item with `fate` and the `days` until then.

    `fate` is `aborted`, `partly-aborted` (in a part of the bucket) or `kept`.
    """
    rules = rules_of(subject, scenario)
    aborting, partly = _doing(rules, "aborts_days")
    if isinstance(aborting, Rule):
        days = aborting.field("aborts_days")
        at = days or aborting.node
        return _list_of(at, _told(at, {"fate": "aborted", "days": _content(days)}))
    at = rules.node if partly is None else partly.node
    fate = aborting or ("kept" if partly is None else "partly-aborted")
    return _list_of(at, _told(at, {"fate": fate, "days": aborting}))


def _doing(rules: Rules, what: str) -> tuple[Rule | Unknown | None, Rule | None]:
    """Find the rule for every object that does something soonest; else why there may be one, and one for some."""
    answers = [(rule, every((rule.enabled(), rule.has(what)))) for rule in rules.listed]
    whole = [rule for rule, does in answers if every((does, rule.whole())) is True]
    if whole:
        return min(whole, key=lambda rule: _days(rule.field(what))), None
    perhaps = _open(some(every((does, rule.whole())) for rule, does in answers), rules)
    partly = next((rule for rule, does in answers if does is True), None)
    return (perhaps if isinstance(perhaps, Unknown) else None), partly


def _days(node: Node | None) -> float:
    number = number_of(node)
    return number if isinstance(number, float) else float("inf")


def _content(node: Node | None) -> Content:
    return node.content if node is not None else None


def live_models(subject: Subject, scenario: Scenario) -> Node:
    """List the models that are loaded from a bucket, each with its `key`, its `model` and its `fate`.

    `fate` is `kept`, `expired`, or `archived` in a class that it cannot be read from before it is restored; `moment`
    says when, `storage_class` where to. Old versions are not what a model is loaded from.
    """
    rules = rules_of(subject, scenario)
    found: list[Node] = []
    if rules.rest is not None or any(True for rule in rules.listed for _ in _losses(rule)):
        for sibling in subject.siblings:
            if "artifacts" in sibling.properties and sibling.raw.exists(scenario) is not False:
                found.extend(_live(subject, sibling, rules, scenario))
    return _list_of(rules.node, *found)


def _live(subject: Subject, model: Resource, rules: Rules, scenario: Scenario) -> Iterator[Node]:
    listed = items(model.properties["artifacts"], scenario)
    rest = listed if isinstance(listed, Unknown) else listed.rest
    if rest is not None:
        yield _told(rules.node, {"fate": rest, "model": model.address, "key": None})
    exists = model.raw.exists(scenario)
    for item in listed.nodes if isinstance(listed, Items) else ():
        address = child(item, "uri", scenario)
        key = key_in(subject.resource, address, scenario) if address is not None else None
        if isinstance(key, Unknown):
            yield _told(rules.node, {"fate": key, "model": model.address, "key": None})
        elif key is not None:
            at, told = _fate(key, rules)
            if isinstance(exists, Unknown) and told["fate"] != "kept":
                told["fate"] = exists
            yield _told(at, {"model": model.address, "key": key, **told})


def _fate(key: str, rules: Rules) -> tuple[Node, dict[str, Content]]:
    perhaps = rules.rest
    for rule in rules.listed:
        for at, told in _losses(rule):
            answer = every((rule.enabled(), rule.covers(key)))
            if answer is True and not isinstance(told["fate"], Unknown):
                return at, told
            unknown = told["fate"] if answer is True else answer
            perhaps = perhaps or (unknown if isinstance(unknown, Unknown) else None)
    return rules.node, {"fate": perhaps or "kept"}


def _losses(rule: Rule) -> Iterator[tuple[Node, dict[str, Content]]]:
    """Give what a rule does to current objects that takes them away from whoever reads them."""
    for name in ("expires_days", "expires_date"):
        node = rule.field(name)
        if node is not None and text_of(node.content) != "0":
            yield node, {"fate": _unless_unknown("expired", node), "moment": _moment(node, name)}
    for step in rule.steps("transitions"):
        to = child(step, "storage_class", rule.scenario)
        written = text_of(to.content) if to is not None else None
        if to is None or (written is not None and written not in _ARCHIVES):
            continue
        when = next(
            ((name, node) for name in ("days", "date") if (node := child(step, name, rule.scenario)) is not None),
            None,
        )
        moment = "at once" if when is None else _moment(when[1], when[0])
        yield to, {"fate": _unless_unknown("archived", to), "moment": moment, "storage_class": written}


def _unless_unknown(fate: str, node: Node) -> Content:
    if isinstance(node.content, Unknown):
        return node.content
    return fate if text_of(node.content) is not None else Unknown("a lifecycle rule is decided by another resource")


def _moment(node: Node, name: str) -> str:
    written = text_of(node.content)
    if written is None:
        return "some time"
    return f"after {written} days" if name.endswith("days") else f"on {written}"
