"""Companions that a gap may hide: a module that is not here completes no resource that it is not told of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

from mlguard.record import field, record
from mlguard.resource import Gap, RawResource
from mlguard.scenario import Scenario
from mlguard.value import Content, Entries, Items, Node, Reference, Unknown, settle, text_of
from mlguard.vocabulary.joins import same_address, without_keys
from mlguard.vocabulary.model import Companion

_MAX_DEPTH = 20


@record(frozen=False)
class Told:
    """What the gaps that may hide one sort of companion are told, in one scenario.

    `by_block` holds the addresses that they are given, each with whether the argument's name speaks of what the
    companion points at; `by_text` and `patterns` the known and partly known texts; `open` is the first gap of which
    such an argument is not known at all.
    """

    by_block: dict[str, list[tuple[str, bool, Gap]]] = field(default_factory=dict)
    by_text: dict[str, Gap] = field(default_factory=dict)
    patterns: dict[str, Gap] = field(default_factory=dict)
    open: Gap | None = None

    def add(self, content: Content, gap: Gap, *, speaks: bool) -> None:
        """Enter one value of an argument of a gap."""
        references: tuple[Reference, ...] = (content,) if isinstance(content, Reference) else ()
        if isinstance(content, Unknown):
            references = content.references
            if content.pattern.strip("*"):
                self.patterns.setdefault(content.pattern, gap)
            elif speaks and not references:
                self.open = self.open or gap
        elif isinstance(content, str):
            self.by_text.setdefault(content, gap)
        for one in references:
            self.by_block.setdefault(without_keys(one.address), []).append((one.address, speaks, gap))

    def of(self, target: RawResource, own: Content) -> Gap | None:
        """Give a gap that is told of the target, which is named by its address or by a text of its own."""
        for address, _, gap in self.by_block.get(without_keys(target.address), ()):
            if same_address(address, target.address) is not False:
                return gap
        references = (own,) if isinstance(own, Reference) else own.references if isinstance(own, Unknown) else ()
        for one in references:
            for address, speaks, gap in self.by_block.get(without_keys(one.address), ()):
                if speaks and address == one.address:
                    return gap
        written = text_of(own)
        if written is not None:
            partly = (gap for pattern, gap in self.patterns.items() if fnmatchcase(written, pattern))
            return self.by_text.get(written) or next(partly, self.open)
        return self.open


def told(companion: Companion, gaps: Iterable[Gap], scenario: Scenario) -> Told:
    """Find out once, for all targets, what the gaps are told that may hide a companion."""
    words = [word for word in companion.by.lower().split("_") if word not in {"name", "arn", "id"}]
    found = Told()
    for gap in gaps:
        if gap.arguments is not None and gap.may_create(companion.types):
            for key, content in _leaves(gap.arguments, scenario):
                found.add(content, gap, speaks=any(word in key for word in words))
    return found


def _leaves(node: Node, scenario: Scenario, key: str = "", depth: int = 0) -> Iterator[tuple[str, Content]]:
    """Give the plain and the unknown values of a value, each with the keys that lead to it."""
    content = settle(node, scenario).content
    if not isinstance(content, Entries | Items):
        yield key, content
    elif depth < _MAX_DEPTH:
        if content.rest is not None:
            yield key, content.rest
        below = content.nodes.items() if isinstance(content, Entries) else (("", one) for one in content.nodes)
        for name, one in below:
            yield from _leaves(one, scenario, f"{key} {name.lower()}", depth + 1)
