"""The arguments of a planned resource as nodes: what is known, what is not, and what nobody wrote.

A provider computes much that no author wrote: a plan calls it unknown, or holds an empty value. An argument that the
configuration does not mention and that is unknown or empty is absent, as it is in the configuration itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from mlguard.parse.terraform.plan.document import Planned, below, listed
from mlguard.parse.terraform.plan.references import AFTER_APPLY, Configured, is_expression
from mlguard.record import record
from mlguard.value import Content, Entries, Items, Node, Unknown

SENSITIVE = "its value is sensitive"


@record()
class _Written:
    """What the configuration says of a place: `known` when what is written there would be told."""

    known: bool
    expression: Node | None = None

    def at(self, key: str) -> _Written:
        """Go down to an argument or a nested block."""
        if not self.known or self.expression is None:
            return self
        return _described(below(self.expression).get(key))

    def item(self, index: int, count: int) -> _Written:
        """Go down to one of several blocks; a plan does not list generated ones."""
        blocks = listed(self.expression)
        if not self.known or self.expression is None:
            return self
        if blocks:
            return _described(blocks[index]) if len(blocks) == count else _Written(known=False)
        return self if count == 1 else _Written(known=False)

    @property
    def absent(self) -> bool:
        """Tell that nobody wrote anything here."""
        return self.known and self.expression is None


_UNTOLD = _Written(known=False)


def _described(expression: Node | None) -> _Written:
    """Say what an entry of the configuration tells: of a nested block all arguments, of an argument its references."""
    return _Written(known=expression is None or not is_expression(expression), expression=expression)


class Values:
    """Makes the body of one resource; with `sourced` another one tells what nobody wrote."""

    def __init__(self, planned: Planned, configured: Configured, *, sourced: bool = False) -> None:
        self._planned = planned
        self._configured = configured
        self._at = planned.at
        self._sourced = sourced
        described = configured.resource(planned)
        expressions = (described or {}).get("expressions") or Node(Entries({}), planned.at.span)
        self._top = _Written(described is not None, expressions)

    def body(self) -> Node:
        """Give the arguments as one node that stands where the resource does."""
        planned = self._planned
        told = planned.values is not None and isinstance(planned.values.content, Entries)
        content = self._content(planned.values, planned.unknown, planned.sensitive, self._top) if told else None
        hidden = content if isinstance(content, Unknown) else Unknown("the plan does not tell its values")
        entries = content if isinstance(content, Entries) else Entries({}, hidden)
        at = planned.values or planned.at
        return Node(entries, at.span, planned.at.place)

    def _content(
        self, value: Node | None, unknown: Node | None, sensitive: Sequence[Node], written: _Written
    ) -> Content:
        if any(mark.content is True for mark in sensitive):
            return Unknown(SENSITIVE)
        if unknown is not None and unknown.content is True:
            return None if written.absent and not self._sourced else self._later(written)
        content = value.content if value is not None else None
        marks = unknown.content if unknown is not None else None
        if isinstance(content, Entries) or (content is None and isinstance(marks, Entries) and marks.nodes):
            return self._entries(value, unknown, sensitive, written)
        if isinstance(content, Items):
            return self._items(content, unknown, sensitive, written)
        if isinstance(content, str) and content in self._configured.secrets():
            return Unknown(SENSITIVE)  # a provider gave it back, and Terraform lost its mark
        return None if written.absent and not content and not self._sourced else content

    def _later(self, written: _Written) -> Content:
        """Say what is known of a value that is not known yet."""
        if written.expression is None or not is_expression(written.expression):
            return Unknown(AFTER_APPLY)
        return self._configured.content(written.expression, self._planned)

    def _entries(
        self, value: Node | None, unknown: Node | None, sensitive: Sequence[Node], written: _Written
    ) -> Content:
        values, marks = below(value), below(unknown)
        written = _UNTOLD if written.absent else written
        nodes: dict[str, Node] = {}
        for key in [*values, *(one for one in marks if one not in values)]:
            hiding = [found for mark in sensitive if (found := below(mark).get(key)) is not None]
            content = self._content(values.get(key), marks.get(key), hiding, written.at(key))
            nodes[key] = self._placed(values.get(key), content)
        return Entries(nodes)

    def _items(self, content: Items, unknown: Node | None, sensitive: Sequence[Node], written: _Written) -> Content:
        marks = listed(unknown)
        hidings = [listed(mark) for mark in sensitive]
        written = _UNTOLD if written.absent else written
        nodes = []
        for index, item in enumerate(content.nodes):
            mark = marks[index] if index < len(marks) else None
            hiding = [found[index] for found in hidings if index < len(found)]
            inner = written.item(index, len(content.nodes))
            nodes.append(self._placed(item, self._content(item, mark, hiding, inner)))
        return Items(tuple(nodes))

    def _placed(self, value: Node | None, content: Content) -> Node:
        """Put a value where the plan holds it; what is unknown or sensitive stands at its resource."""
        if value is None or isinstance(content, Unknown) or (content is None and value.content is not None):
            return Node(content, self._at.span, self._at.key_span)
        return Node(content, value.span, value.key_span)
