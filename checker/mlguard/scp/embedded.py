"""SCPs inside of infrastructure code: an object, a text in JSON, or what a function encodes, with their places."""

from __future__ import annotations

from collections.abc import Mapping

from mlguard.record import record, replace
from mlguard.scenario import Scenario
from mlguard.scp.check import check_read, too_long
from mlguard.scp.written import Fault, WrittenScp, read, read_node
from mlguard.source import Document, Span
from mlguard.value import EncodedText, Entries, Node, Unknown, settle


@record()
class EmbeddedScp:
    """An SCP in a property of a resource: what could be read of it, and its own faults with places in the file."""

    written: WrittenScp
    faults: tuple[Fault, ...]

    def holds(self, fault: Fault) -> bool:
        """Tell whether a fault of several SCPs together stands in this one."""
        places = {
            (text.at.path, text.at.line, text.at.column)
            for statement in self.written.statements
            for test in statement.tests
            for text in (test.key, *test.values)
        }
        return (fault.path, fault.line, fault.column) in places


def read_embedded(node: Node, documents: Mapping[str, Document], scenario: Scenario) -> EmbeddedScp:
    """Read an SCP from the value of a property."""
    settled = settle(node, scenario)
    content = settled.content
    size = ""
    if isinstance(content, EncodedText):
        written, size = read_node(content.node, scenario), too_long(content)
    elif isinstance(content, str):
        written, size = _read_text(content, settled, documents), too_long(content)
    elif isinstance(content, Unknown):
        written = WrittenScp(hidden=[content]) if content.encodes is None else read_node(content.encodes, scenario)
    elif isinstance(content, Entries):
        written = read_node(settled, scenario)
    else:
        written = WrittenScp(hidden=[Unknown("its content is not written here")])
    faults = check_read(written)
    if size:
        at = settled.place
        faults.append(Fault("too-long", size, at.line, at.column, path=at.path))
    return EmbeddedScp(written, tuple(faults))


def _read_text(text: str, node: Node, documents: Mapping[str, Document]) -> WrittenScp:
    """Read an SCP that stands as a text in a file, and find the places of its parts there."""
    written = read(text, "")
    document = documents.get(node.span.path)
    where = _Places(Document("", text), node.span, document)
    return WrittenScp(
        [
            replace(
                statement,
                at=where.of(statement.at),
                actions=tuple(replace(one, at=where.of(one.at)) for one in statement.actions),
                resources=tuple(replace(one, at=where.of(one.at)) for one in statement.resources),
                tests=tuple(
                    replace(
                        test,
                        operator=replace(test.operator, at=where.of(test.operator.at)),
                        key=replace(test.key, at=where.of(test.key.at)),
                        values=tuple(replace(one, at=where.of(one.at)) for one in test.values),
                    )
                    for test in statement.tests
                ),
            )
            for statement in written.statements
        ],
        [_moved(fault, where) for fault in written.faults],
        written.hidden,
    )


def _moved(fault: Fault, where: _Places) -> Fault:
    at = where.of(Span("", fault.line, fault.column, fault.line, fault.column))
    return replace(fault, path=at.path, line=at.line, column=at.column)


class _Places:
    """Finds a line of a text in the file that the text stands in, as it is or indented."""

    def __init__(self, text: Document, span: Span, document: Document | None) -> None:
        self._text = text
        self._span = span
        self._document = document
        self._base = next((line for line in (span.line, span.line + 1) if self._found(1, line)), 0)

    def _found(self, number: int, line: int) -> int:
        """Give the column at which a line of the text begins in a line of the file; 0 where it does not stand there."""
        if self._document is None or not 1 <= line <= self._span.end_line:
            return 0
        written = self._text.line(number).strip()
        if not written:
            return 0
        place = self._document.line(line).find(written)
        return place + 1 if place >= 0 else 0

    def of(self, at: Span) -> Span:
        """Give the place in the file of a place in the text; the begin of the whole where it cannot be found."""
        line = self._base + at.line - 1
        begin = self._found(at.line, line) if self._base and at.line else 0
        if not begin:
            return self._span.first_line()
        written = self._text.line(at.line)
        shift = begin - (len(written) - len(written.lstrip()) + 1)
        end = at.end_column + shift if at.end_line == at.line else at.column + shift
        return Span(self._span.path, line, at.column + shift, line, end)
