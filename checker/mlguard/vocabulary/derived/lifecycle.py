"""Read the lifecycle rules of a bucket: what each is about, and what it does when. Everything is three-valued."""

from __future__ import annotations

from collections.abc import Iterable

from mlguard.record import record
from mlguard.scenario import Scenario
from mlguard.value import Items, Node, Unknown, child, items, text_of
from mlguard.vocabulary.derived.subject import Subject

Answer = bool | Unknown
_NO_LIMIT = 131_072
"""A rule for objects above 128 KiB leaves nothing out that costs much; S3 itself moves no smaller ones by default."""


def every(answers: Iterable[Answer]) -> Answer:
    """Tell whether all answers are yes: no where one is no, else unknown where one is."""
    unknown: Unknown | None = None
    for answer in answers:
        if answer is False:
            return False
        unknown = unknown or (answer if isinstance(answer, Unknown) else None)
    return True if unknown is None else unknown


def some(answers: Iterable[Answer]) -> Answer:
    """Tell whether one of the answers is yes: yes where one is, else unknown where one is."""
    unknown: Unknown | None = None
    for answer in answers:
        if answer is True:
            return True
        unknown = unknown or (answer if isinstance(answer, Unknown) else None)
    return False if unknown is None else unknown


def inverse(answer: Answer) -> Answer:
    """Turn an answer round; what is unknown stays so."""
    return answer if isinstance(answer, Unknown) else not answer


def number_of(node: Node | None) -> float | Unknown | None:
    """Read a number: None where nothing is written, Unknown where it is decided elsewhere."""
    if node is None:
        return None
    if isinstance(node.content, Unknown):
        return node.content
    try:
        return float(text_of(node.content) or "")
    except ValueError:
        return Unknown("it is not a number")


@record()
class Rule:
    """One rule, in the scenario that it is read in."""

    node: Node
    scenario: Scenario

    def field(self, name: str) -> Node | None:
        """Give what the rule says of one thing, None where it says nothing."""
        return child(self.node, name, self.scenario)

    def enabled(self) -> Answer:
        """Tell whether the rule is in force."""
        return self._is("enabled")

    def has(self, *names: str) -> Answer:
        """Tell whether the rule says something of one of these."""
        return some(_there(self.field(name)) for name in names)

    def whole(self) -> Answer:
        """Tell whether the rule is about all objects of the bucket."""
        return every((self._unlimited(), self._starts("")))

    def covers(self, key: str) -> Answer:
        """Tell whether the rule is about every object under a key, in which `*` stands for what is not known."""
        return every((self._unlimited(), self._starts(key)))

    def acts_on_current(self) -> Answer:
        """Tell whether the rule ever moves or deletes a current object."""
        return self.has("expires_days", "expires_date", "transitions")

    def steps(self, name: str) -> tuple[Node, ...]:
        """Give the transitions of `transitions` or `old_transitions`."""
        listed = items(self.field(name), self.scenario)
        return listed.nodes if isinstance(listed, Items) else ()

    def _is(self, name: str) -> Answer:
        node = self.field(name)
        if node is not None and isinstance(node.content, Unknown):
            return node.content
        return node is not None and node.content is True

    def _unlimited(self) -> Answer:
        larger = number_of(self.field("larger_than"))
        by_size = larger > _NO_LIMIT if isinstance(larger, float) else larger or False
        return every(inverse(answer) for answer in (self._is("by_tag"), by_size, self.has("smaller_than")))

    def _starts(self, key: str) -> Answer:
        node = self.field("prefix")
        if node is None:
            return True
        if isinstance(node.content, Unknown):
            return node.content
        prefix = text_of(node.content)
        if prefix is None:
            return Unknown("the prefix of a lifecycle rule is decided by another resource")
        known, star, _ = key.partition("*")
        if known.startswith(prefix) or (not star and prefix == f"{key}/"):  # a folder may be named without its slash
            return True
        open_ended = star and prefix.startswith(known)
        return Unknown("a part of the key is decided at deployment") if open_ended else False


def _there(node: Node | None) -> Answer:
    if node is None:
        return False
    if isinstance(node.content, Unknown):
        return node.content
    if isinstance(node.content, Items) and not node.content.nodes:
        return node.content.rest or False
    return True


@record()
class Rules:
    """The rules of one bucket; `rest` says why there may be more, `node` is where they are written."""

    listed: tuple[Rule, ...]
    rest: Unknown | None
    node: Node


def rules_of(subject: Subject, scenario: Scenario) -> Rules:
    """Give the rules of a bucket that are, or may be, in force."""
    node = subject.property("lifecycle_rules", scenario)
    if node is None:
        return Rules((), None, Node(None, subject.resource.raw.name_span))
    listed = items(node, scenario)
    if isinstance(listed, Unknown):
        return Rules((), listed, node)
    rules = (Rule(item, scenario) for item in listed.nodes)
    return Rules(tuple(rule for rule in rules if rule.enabled() is not False), listed.rest, node)
