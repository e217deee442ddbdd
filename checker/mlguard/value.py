"""Values that know where they stand, and what of them only a deployment will decide."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Self

from mlguard.record import field, record, replace
from mlguard.scenario import Memory, Scenario
from mlguard.source import Span

Scalar = str | int | float | bool | None
"""A plain value; None is both an explicit null and a key that is not there."""


@record()
class Reference:
    """A value that names another resource: `!GetAtt Bucket.Arn`, `aws_s3_bucket.data.id`.

    `address` is that of the resource in its project; `attribute` is empty for a plain CloudFormation `Ref`.
    """

    address: str
    attribute: str = ""


@record()
class Unknown:
    """A value that only the deployment decides; `because` names the expression that hides it.

    `pattern` holds the known parts of a partly known text, with `*` for each unknown one. `references` are the
    resources that the value is made of. `encodes` is the value that the text is the JSON of, where it is one.
    """

    because: str
    pattern: str = "*"
    references: tuple[Reference, ...] = ()
    encodes: Node | None = field(default=None, compare=False)


class EncodedText(str):
    """A text that is the JSON of a value; `node` is that value, each part of it with its own place."""

    __slots__ = ("node",)
    node: Node

    def __new__(cls, text: str, node: Node) -> Self:
        """Make the text of a value."""
        made = super().__new__(cls, text)
        made.node = node
        return made


@record()
class Entries:
    """A mapping; `rest` says why there may be more keys than the known ones, None when there are not."""

    nodes: Mapping[str, Node]
    rest: Unknown | None = None


@record()
class Items:
    """A list; `rest` says why there may be more items than the known ones, None when there are not."""

    nodes: tuple[Node, ...]
    rest: Unknown | None = None


@record(eq=False)
class Choice:
    """A value that is found out when somebody looks, and may differ by scenario."""

    choose: Callable[[Scenario], Node]


def remembered(memory: Memory, key: Hashable, choose: Callable[[Scenario], Node]) -> Choice:
    """Give a value that is found out once for all scenarios that it cannot tell apart."""
    return Choice(lambda scenario: memory.recall(key, scenario, choose))


Content = Scalar | Reference | Unknown | Entries | Items | Choice


@record(eq=False)
class Parameter:
    """A value that whoever deploys may choose: a CloudFormation parameter or a variable of a Terraform root.

    `allowed` is its closed domain, None when it is open. `pattern` is a regular expression that its values match.
    """

    name: str
    span: Span
    name_span: Span
    default: Node | None = None
    allowed: tuple[str, ...] | None = None
    pattern: str = ""


@record()
class Origin:
    """Another place that a value came through, in words: `default of variable "size"`.

    `parameter` is set where the value is, unchanged, that of a parameter. `instead_of_default` tells that the value is
    one that whoever deploys may choose, and not the one that a parameter has by default.
    """

    span: Span
    what: str
    parameter: Parameter | None = None
    instead_of_default: bool = False


@record()
class Node:
    """A value, where it stands, where its key stands, and where it came from when that is another place."""

    content: Content
    span: Span
    key_span: Span | None = None
    origins: tuple[Origin, ...] = ()

    def holding(self, content: Content) -> Node:
        """Give another value in the same place."""
        if type(self) is not Node:
            return replace(self, content=content)
        return Node(content, self.span, self.key_span, self.origins)  # much cheaper than `replace`, and made often

    def under(self, key_span: Span) -> Node:
        """Give the value as that of another key."""
        if type(self) is not Node:
            return replace(self, key_span=key_span)
        return Node(self.content, self.span, key_span, self.origins)

    @property
    def place(self) -> Span:
        """Where to point a person to: the key and the value when both are on one line, else the key."""
        if self.key_span is None:
            return self.span.first_line()
        if self.span.path == self.key_span.path and self.span.end_line == self.key_span.line:
            key = self.key_span
            return Span(key.path, key.line, key.column, self.span.end_line, self.span.end_column)
        return self.key_span


_TOO_DEEP = 200


def settle(node: Node, scenario: Scenario) -> Node:
    """Give the node that holds in this scenario: never a Choice."""
    for _ in range(_TOO_DEEP):
        content = node.content
        if not isinstance(content, Choice):
            return node
        chosen = content.choose(scenario)
        node = chosen if chosen.key_span is not None or node.key_span is None else chosen.under(node.key_span)
    return node.holding(Unknown("the value refers to itself"))


def child(node: Node, key: str, scenario: Scenario) -> Node | None:
    """Look a key up: None where it is known to be absent, an Unknown node where it may be there.

    A list of one mapping counts as that mapping: Terraform writes nested blocks that way.
    """
    content = node.content
    if isinstance(content, Choice):
        node = settle(node, scenario)
        content = node.content
    if isinstance(content, Items) and len(content.nodes) == 1 and content.rest is None:
        node = settle(content.nodes[0], scenario)
        content = node.content
    if isinstance(content, Entries):
        found = content.nodes.get(key)
        if found is not None:
            found = settle(found, scenario) if isinstance(found.content, Choice) else found
            return None if found.content is None else found
        return None if content.rest is None else Node(content.rest, node.span, node.key_span)
    if content is None or (isinstance(content, Items) and not content.nodes and content.rest is None):
        return None
    return Node(_hidden(content), node.span, node.key_span, node.origins)


def _hidden(content: Content) -> Unknown:
    if isinstance(content, Unknown):
        return content
    if isinstance(content, Reference):
        return Unknown(f"{content.address} decides it", references=(content,))
    if isinstance(content, Items) and content.rest is not None:
        return content.rest
    return Unknown("the code has another shape here than the resource's schema")


def items(node: Node | None, scenario: Scenario) -> Items | Unknown:
    """Read a node as a list: absent is the empty list, a single value a list of one."""
    if node is None:
        return Items(())
    node = settle(node, scenario)
    content = node.content
    if isinstance(content, Items | Unknown):
        return content
    if content is None:
        return Items(())
    return Items((node,))


def text_of(content: Content) -> str | None:
    """Give a known scalar as CloudFormation and Terraform would write it into a text; None for everything else."""
    if isinstance(content, bool):
        return "true" if content else "false"
    if isinstance(content, str):
        return content
    if isinstance(content, int | float):
        return str(int(content)) if isinstance(content, float) and content.is_integer() else str(content)
    return None


def references_in(node: Node, scenario: Scenario, depth: int = 0) -> Iterator[Reference]:
    """Give every resource that a value names, however deep."""
    content = settle(node, scenario).content
    if isinstance(content, Reference):
        yield content
    elif isinstance(content, Unknown):
        yield from content.references
    elif isinstance(content, Entries | Items) and depth < _TOO_DEEP:
        if content.rest is not None:
            yield from content.rest.references
        for node_below in content.nodes.values() if isinstance(content, Entries) else content.nodes:
            yield from references_in(node_below, scenario, depth + 1)
