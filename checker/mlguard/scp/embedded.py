"""SCPs inside of infrastructure code: an object, a text in JSON, or what a function encodes, with their places."""

from __future__ import annotations

import re
from collections.abc import Mapping

from mlguard.record import record, replace
from mlguard.scenario import Scenario
from mlguard.scp.check import check_read, too_long
from mlguard.scp.matching import HOLE
from mlguard.scp.places import Places
from mlguard.scp.reading import read, read_node
from mlguard.scp.written import Fault, WrittenScp
from mlguard.source import Document, Span
from mlguard.value import EncodedText, Entries, Node, Unknown, settle

_STRING_OR_HOLES = re.compile(rf'"(?:[^"\\]|\\.)*+"|{HOLE}+')


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
    elif isinstance(content, Unknown) and content.encodes is not None:
        written = read_node(content.encodes, scenario)
    elif isinstance(content, Unknown):
        written = _read_known_parts(content, settled, documents)
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
    return _placed(read(text), Places(Document("", text), node.span, documents.get(node.span.path)))


def _read_known_parts(content: Unknown, node: Node, documents: Mapping[str, Document]) -> WrittenScp:
    """Read an SCP from a text into which only the deployment fills in some parts."""
    document = documents.get(node.span.path)
    text = Places(Document("", content.pattern), node.span, document).with_holes()
    text = _STRING_OR_HOLES.sub(lambda found: f'"{HOLE}"' if found[0][0] == HOLE else found[0], text)
    written = read(text, because=content.because)
    if not written.statements:  # what is filled in may be a part of the form
        return WrittenScp(hidden=[content])
    return _placed(written, Places(Document("", text), node.span, document))


def _placed(written: WrittenScp, where: Places) -> WrittenScp:
    """Give an SCP with the places of its parts in a file."""
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


def _moved(fault: Fault, where: Places) -> Fault:
    at = where.of(Span("", fault.line, fault.column, fault.line, fault.column))
    return replace(fault, path=at.path, line=at.line, column=at.column)
