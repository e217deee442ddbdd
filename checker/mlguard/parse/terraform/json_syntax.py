"""Terraform's JSON spelling: its texts are templates, its objects are bodies or maps by where they stand.

https://developer.hashicorp.com/terraform/language/syntax/json
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping

from mlguard.errors import LimitError, MlguardError, ParseError
from mlguard.parse.json_document import load_json
from mlguard.parse.terraform.reader import read_expression, template_of_file
from mlguard.parse.terraform.syntax import Argument, Block, Expression, ListExpression, Literal, ObjectExpression
from mlguard.record import field_names
from mlguard.scenario import Scenario
from mlguard.source import Document, Span
from mlguard.value import Entries, Items, Node, child

_LABELS = {"resource": 2, "data": 2, "ephemeral": 2, "variable": 1, "output": 1, "module": 1, "provider": 1}
_REFERENCES = ("provider", "depends_on")
_NESTED = ("validation", "default_tags", "lifecycle", "backend")
_COMMENT = "//"
_ESCAPE = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.")
_TEMPLATE = re.compile(r"[$%]\{")


def arguments_of(document: Document) -> Mapping[str, Argument]:
    """Read the arguments of a JSON object, as a tfvars file has them; ParseError where it is something else.

    Texts are taken as they are: nothing in such a file is evaluated.
    """
    reader = _Reader(document)
    return {key: reader.argument(key, value, reader.plain) for key, value in reader.pairs(load_json(document))}


def blocks_of(document: Document) -> Iterator[Block]:
    """Read the blocks of a `.tf.json` file; ParseError where it is not one."""
    reader = _Reader(document)
    for kind, value in reader.pairs(load_json(document)):
        yield from reader.labelled(kind, value, [])


Read = Callable[[Node], Expression]


class _Reader:
    """Turns the nodes of one file into the syntax tree, every offset one into the file."""

    def __init__(self, document: Document) -> None:
        self._document = document

    def pairs(self, node: Node) -> Iterator[tuple[str, Node]]:
        """Give the keys and values of an object, or of a list of objects, without comments."""
        for item in node.content.nodes if isinstance(node.content, Items) else (node,):
            if not isinstance(item.content, Entries):
                raise ParseError("a JSON object was expected", item.span.path, item.span.line, item.span.column)
            for key, value in item.content.nodes.items():
                if key != _COMMENT:
                    yield key, value

    def labelled(self, kind: str, value: Node, labels: list[str]) -> Iterator[Block]:
        """Read the blocks of one type: an object for each label, then one body or a list of them."""
        if len(labels) < _LABELS.get(kind, 0):
            for label, below in self.pairs(value):
                yield from self.labelled(kind, below, [*labels, label])
            return
        for one, start, header_end in self._several(value):
            block = Block(self._document, start, self._end(one.span), header_end, kind, list(labels))
            self._note(block, one)
            for name, below in self.pairs(one):
                self._fill(block, name, below)
            yield block

    def _several(self, value: Node) -> list[tuple[Node, int, int]]:
        """Give each body with where it begins and where its header ends: at its key when it is the only one."""
        listed = value.content.nodes if isinstance(value.content, Items) else (value,)
        key = value.key_span or value.span
        if len(listed) == 1:
            return [(listed[0], self._start(key), self._end(key))]
        return [(one, self._start(one.span), self._start(one.span) + 1) for one in listed]

    def _note(self, block: Block, body: Node) -> None:
        """Keep what CDK for Terraform writes about the construct of a resource: its path, and where it was made."""
        scenario = Scenario()
        comment = child(body, _COMMENT, scenario)
        metadata = child(comment, "metadata", scenario) if comment is not None else None
        if metadata is None:
            return
        path, trace = child(metadata, "path", scenario), child(metadata, "stackTrace", scenario)
        if path is not None and isinstance(path.content, str):
            block.construct = path.content
        if trace is not None and isinstance(trace.content, Items):
            block.trace = tuple(line.content for line in trace.content.nodes if isinstance(line.content, str))

    def _fill(self, block: Block, name: str, value: Node) -> None:
        """Put an entry of a body into its block; what holds no `dynamic` can be read as an argument all the same."""
        generates = name == "dynamic" and isinstance(value.content, Entries | Items)
        if generates and block.type not in ("variable", "output", "locals"):
            for label, below in self.pairs(value):
                block.blocks.extend(self._dynamic(label, below))
        elif name in _NESTED or (block.type not in ("locals", "module") and _holds_dynamic(value)):
            block.blocks.extend(self.labelled(name, value, []))
        else:
            block.arguments[name] = self.argument(name, value, self._way(block, name))

    def _dynamic(self, label: str, value: Node) -> Iterator[Block]:
        for one, start, header_end in self._several(value):
            block = Block(self._document, start, self._end(one.span), header_end, "dynamic", [label])
            for name, below in self.pairs(one):
                if name == "content":
                    block.blocks.extend(self.labelled("content", below, []))
                else:
                    block.arguments[name] = self.argument(name, below, self.expression)
            yield block

    def _way(self, block: Block, name: str) -> Read:
        """Choose how a value is read: some texts are references or types, some are no templates."""
        if name in _REFERENCES or (name == "type" and block.type == "variable"):
            return self._bare
        if block.type in ("variable", "terraform") and name != "condition":
            return self.plain
        return self.expression

    def argument(self, name: str, value: Node, read: Read) -> Argument:
        """Read an argument."""
        key = value.key_span or value.span
        return Argument(self._document, self._start(key), self._end(key), name, read(value))

    def plain(self, node: Node) -> Expression:
        """Read a value whose texts mean themselves."""
        return self._read(node, lambda text: Literal(self._start(text.span), self._end(text.span), _scalar(text)))

    def expression(self, node: Node) -> Expression:
        """Read a value whose texts are templates."""
        return self._read(node, self._template)

    def _bare(self, node: Node) -> Expression:
        """Read a text that is a reference or a type without `${}`; a list of those stays one of texts."""
        if not isinstance(node.content, str) or not node.content:
            return self.plain(node)
        return self._within(node, lambda document: read_expression(document, 0, len(document.text)))

    def _read(self, node: Node, text: Read) -> Expression:
        start, end = self._start(node.span), self._end(node.span)
        content = node.content
        if isinstance(content, Items):
            return ListExpression(start, end, [self._read(item, text) for item in content.nodes])
        if isinstance(content, Entries):
            pairs = []
            for key, value in content.nodes.items():
                at = value.key_span or value.span
                pairs.append((text(Node(key, at)), self._read(value, text)))
            return ObjectExpression(start, end, pairs)
        return text(node) if isinstance(content, str) else Literal(start, end, _scalar(node))

    def _template(self, node: Node) -> Expression:
        if not isinstance(node.content, str) or _TEMPLATE.search(node.content) is None:
            return Literal(self._start(node.span), self._end(node.span), _scalar(node))
        template = self._within(node, template_of_file)
        parts = getattr(template, "parts", [])
        template.start, template.end = self._start(node.span), self._end(node.span)
        if all(isinstance(part, str) for part in parts):
            return Literal(template.start, template.end, "".join(parts))
        return template

    def _within(self, node: Node, read: Callable[[Document], Expression]) -> Expression:
        """Read what a text of JSON says once its escapes are gone; offsets are those of the text as it is written."""
        start, end = self._start(node.span) + 1, self._end(node.span) - 1
        try:
            expression = read(Document(self._document.path, str(node.content)))
        except LimitError:
            raise
        except MlguardError as error:
            raise ParseError(error.message, node.span.path, node.span.line, node.span.column) from None
        _move(expression, _Offsets(self._document.text[start:end], start))
        return expression

    def _start(self, span: Span) -> int:
        return self._document.line_starts()[span.line - 1] + span.column - 1

    def _end(self, span: Span) -> int:
        return self._document.line_starts()[span.end_line - 1] + span.end_column - 1


def _scalar(node: Node) -> str | int | float | bool | None:
    content = node.content
    return content if isinstance(content, str | int | float | bool) else None


def _holds_dynamic(node: Node) -> bool:
    """Tell whether a `dynamic` block stands somewhere in a nested block."""
    content = node.content
    if isinstance(content, Items):
        return any(_holds_dynamic(item) for item in content.nodes)
    if not isinstance(content, Entries):
        return False
    generated = content.nodes.get("dynamic")
    return (generated is not None and isinstance(generated.content, Entries | Items)) or any(
        _holds_dynamic(below) for below in content.nodes.values()
    )


class _Offsets:
    """Where a character of a text stood before its escapes were read."""

    def __init__(self, written: str, start: int) -> None:
        self._read, self._written = [0], [start]
        shrunk = 0
        for match in _ESCAPE.finditer(written) if "\\" in written else ():
            shrunk += len(match[0]) - 1
            self._read.append(match.end() - shrunk)
            self._written.append(match.end() + start)

    def __getitem__(self, offset: int) -> int:
        index = bisect_right(self._read, offset) - 1
        return self._written[index] + offset - self._read[index]


def _move(expression: Expression, offsets: _Offsets) -> None:
    """Move a syntax tree to where its text stands in the file."""
    waiting: list[object] = [expression]
    while waiting:
        part = waiting.pop()
        if isinstance(part, list | tuple):
            waiting.extend(part)
        else:
            for name in field_names(type(part)):
                value = getattr(part, name)
                if name in ("start", "end"):
                    setattr(part, name, offsets[value])
                elif not isinstance(value, str):
                    waiting.append(value)
