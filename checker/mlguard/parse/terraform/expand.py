"""Instances and bodies: `count`, `for_each`, `dynamic`, and the arguments of a block as nodes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from mlguard.parse.terraform.elements import each
from mlguard.parse.terraform.evaluate import evaluate, evaluate_softly
from mlguard.parse.terraform.failure import FailureError
from mlguard.parse.terraform.scope import Scope
from mlguard.parse.terraform.syntax import Argument, Block, Conditional, Literal, Name, Parenthesis
from mlguard.parse.terraform.values import SetItems, check_weight, number, text, unknown
from mlguard.record import field, record, replace
from mlguard.scenario import Scenario
from mlguard.value import Choice, Entries, Items, Node, Unknown

MAX_INSTANCES = 1_000
_MAX_DEPTH = 40
_HOP = 3
Key = int | str | None
"""The key of an instance; None for the symbolic one that stands for a number nobody knows."""
OVER = "\0over"
"""The name under which a scope keeps what the block around it is repeated over; no expression can say it."""
_META = frozenset({"count", "for_each", "provider", "providers", "depends_on"})
_META_BLOCKS = frozenset({"lifecycle", "provisioner", "connection"})


@record()
class Expansion:
    """The instances of a block: `single` without `count` and `for_each`; `rest` says why there may be more."""

    single: bool = False
    values: Mapping[Key, Node] = field(default_factory=dict)
    counted: bool = False
    rest: Unknown | None = None

    def keys(self) -> list[Key]:
        """Give the keys in order, None last where there may be more."""
        return [*self.values, *([None] if self.rest else [])]


def expansion(arguments: Mapping[str, Argument], scope: Scope, scenario: Scenario) -> Expansion:
    """Find the instances of a block in one scenario."""
    for name, expand in (("count", _counted), ("for_each", _for_each)):
        if name in arguments:
            inner = replace(scope, document=arguments[name].document)
            value = evaluate_softly(arguments[name].value, inner, scenario)
            reason = unknown(value.content)
            if reason is not None:
                return Expansion(counted=name == "count", rest=reason)
            try:
                return expand(value)
            except FailureError as failure:
                return Expansion(counted=name == "count", rest=Unknown(f"{name}: {failure.message}"))
    return Expansion(single=True)


def _counted(value: Node) -> Expansion:
    count = number(value.content)
    if count > MAX_INSTANCES:
        return Expansion(counted=True, rest=Unknown(f"count is {count:,}, more than {MAX_INSTANCES:,} instances"))
    return Expansion(counted=True, values={index: Node(index, value.span) for index in range(int(count))})


def _for_each(value: Node) -> Expansion:
    content = value.content
    if not isinstance(content, Entries | Items):
        raise FailureError("a map or a set was expected")
    found: dict[Key, Node] = {}
    rest = content.rest
    for key, node in each(value):
        name = key if isinstance(content, Entries) else node
        reason = unknown(name.content)
        if reason is not None:
            rest = rest or reason
        else:
            found[text(name.content)] = node
    if len(found) > MAX_INSTANCES:
        return Expansion(rest=Unknown(f"for_each has {len(found):,} keys, more than {MAX_INSTANCES:,} instances"))
    return Expansion(values=found, rest=rest)


def repeated_over(block: Block) -> str:
    """Give the text of `count` or `for_each`: blocks of one module that have the same have the same instances."""
    for name in ("count", "for_each"):
        given = block.arguments.get(name)
        if given is not None:
            return f"{name} = {' '.join(given.document.text[given.value.start : given.value.end].split())}"
    return ""


def at_most_one(block: Block) -> bool:
    """Tell whether a block has one instance or none: `count = condition ? 1 : 0`."""
    given = block.arguments.get("count")
    value = given.value if given is not None else None
    while isinstance(value, Parenthesis):
        value = value.value
    if not isinstance(value, Conditional):
        return False
    counts = {getattr(branch, "value", None) for branch in (value.yes, value.no)}
    return counts == {0, 1}


def suffix(key: Key) -> str:
    """Give what an address ends with: `[0]`, `["a"]`, `[?]`."""
    if key is None:
        return "[?]"
    return f"[{key}]" if isinstance(key, int) else f"[{json.dumps(key, ensure_ascii=False)}]"


def bound(block: Block, scope: Scope, key: Key) -> Scope:
    """Give the scope of one instance, in which `count.index`, `each.key` and `each.value` are known."""
    at = block.document.span(block.start, block.header_end)
    if "count" in block.arguments:
        index: int | Unknown = key if isinstance(key, int) else Unknown("count.index is known at deployment")
        over = Node(repeated_over(block), at)
        return scope.bind({"count": Node(Entries({"index": Node(index, at)}), at), OVER: over})

    def chosen(scenario: Scenario) -> Node:
        found = remembered(block, scope, scenario)
        return found.values.get(key) or Node(found.rest or Unknown("each.value is known at deployment"), at)

    name: str | Unknown = Unknown("each.key is known at deployment") if key is None else str(key)
    each_one = Node(Entries({"key": Node(name, at), "value": Node(Choice(chosen), at)}), at)
    return scope.bind({"each": each_one, OVER: Node(repeated_over(block), at)})


def remembered(block: Block, scope: Scope, scenario: Scenario) -> Expansion:
    """Find the instances of a block, from memory where that was done before; open where they depend on themselves."""
    key = (scope.instance.prefix, "instances", block.document.path, block.start)
    session = scope.session

    def guarded(inner: Scenario) -> Expansion:
        session.busy.add(key)
        try:
            session.budget.enter(_HOP)
            return expansion(block.arguments, scope, inner)
        except FailureError as failure:
            return Expansion(counted="count" in block.arguments, rest=Unknown(failure.message))
        finally:
            session.budget.leave(_HOP)
            session.busy.discard(key)

    if key in session.busy:
        because = Unknown(f"{'.'.join(block.labels)} depends on itself")
        return Expansion(counted="count" in block.arguments, rest=because)
    return session.memory.recall(key, scenario, guarded)


def argument(given: Argument, scope: Scope, scenario: Scenario) -> Node:
    """Give the value of an argument, an Unknown where it has none; the key stands where its name does."""
    scope = replace(scope, document=given.document)
    try:
        node = check_weight(evaluate(given.value, scope, scenario))
    except FailureError as failure:
        node = Node(Unknown(failure.message), scope.span(given.value))
    return replace(node, key_span=scope.span(given))


def lazy(given: Argument, scope: Scope) -> Node:
    """Give an argument as a node that is found out when somebody looks."""
    span = given.document.span(given.value.start, given.value.end)
    key_span = given.document.span(given.start, given.end)
    if isinstance(given.value, Literal):
        return Node(given.value.value, span, key_span)
    key = object()
    memory = scope.session.memory

    def choose(scenario: Scenario) -> Node:
        return memory.recall(key, scenario, lambda inner: argument(given, scope, inner))

    return Node(Choice(choose), span, key_span)


def body(block: Block, scope: Scope, *, whole: Block | None = None, depth: int = 0) -> Node:
    """Give the arguments and nested blocks of a block, without those that are Terraform's own."""
    top = whole is None
    whole = whole or block
    nodes = {name: lazy(given, scope) for name, given in block.arguments.items() if not (top and name in _META)}
    for name, nested in _by_name(block).items():
        if not (top and name in _META_BLOCKS):
            nodes[name] = _nested(nested, scope, depth + 1)
    key_span = whole.document.span(whole.start, whole.header_end)
    return Node(Entries(nodes), whole.document.span(whole.start, whole.end), key_span)


def removal(block: Block, scope: Scope) -> Node | None:
    """Give the `prevent_destroy` of a resource's lifecycle block, None where it has none."""
    given = (inner.arguments.get("prevent_destroy") for inner in block.blocks if inner.type == "lifecycle")
    return next((lazy(one, scope) for one in given if one is not None), None)


def _by_name(block: Block) -> Mapping[str, list[Block]]:
    found: dict[str, list[Block]] = {}
    for inner in block.blocks:
        name = inner.labels[0] if inner.type == "dynamic" and inner.labels else inner.type
        found.setdefault(name, []).append(inner)
    return found


def _nested(blocks: list[Block], scope: Scope, depth: int) -> Node:
    """Give all blocks of one name as one list."""
    first = blocks[0]
    span = first.document.span(first.start, first.end)
    key_span = first.document.span(first.start, first.header_end)
    if depth > _MAX_DEPTH:
        return Node(Unknown(f"blocks nested more than {_MAX_DEPTH} levels deep"), span, key_span)
    if not any(block.type == "dynamic" for block in blocks):
        return Node(Items(tuple(body(block, scope, whole=block, depth=depth) for block in blocks)), span, key_span)
    key = object()
    memory = scope.session.memory

    def listed(scenario: Scenario) -> Node:
        rest: Unknown | None = None
        nodes: list[Node] = []
        for block in blocks:
            if block.type != "dynamic":
                nodes.append(body(block, scope, whole=block, depth=depth))
                continue
            reason = _generate(block, scope, scenario, nodes, depth)
            rest = rest or reason
        return Node(Items(tuple(nodes), rest), span, key_span)

    return Node(Choice(lambda scenario: memory.recall(key, scenario, listed)), span, key_span)


def _generate(block: Block, scope: Scope, scenario: Scenario, nodes: list[Node], depth: int) -> Unknown | None:
    """Add what a `dynamic` block generates to `nodes`; gives the reason why there may be more."""
    content = next((inner for inner in block.blocks if inner.type == "content"), None)
    over = block.arguments.get("for_each")
    if content is None or over is None:
        return Unknown("a dynamic block needs for_each and content")
    budget = scope.session.budget
    try:
        budget.generate(0)
        collection = argument(over, scope, scenario)
        reason = unknown(collection.content)
        if reason is not None:
            return reason
        if not isinstance(collection.content, Entries | Items):
            return None if collection.content is None else Unknown("for_each of a dynamic block is not a collection")
        iterator = block.arguments.get("iterator")
        name = _word(iterator) if iterator else block.labels[0]
        for count, (key, value) in enumerate(_pairs(collection)):
            if count == MAX_INSTANCES:
                return Unknown(f"more than {MAX_INSTANCES:,} blocks")
            budget.generate()
            item = Node(Entries({"key": key, "value": value}), value.span)
            nodes.append(body(content, scope.bind({name: item}), whole=block, depth=depth))
    except FailureError as failure:
        return Unknown(failure.message)
    return collection.content.rest


def _pairs(collection: Node) -> Iterator[tuple[Node, Node]]:
    for key, value in each(collection):
        yield (value, value) if isinstance(collection.content, SetItems) else (key, value)


def _word(given: Argument) -> str:
    """Give the name that `iterator` sets; in JSON it is a text."""
    value = given.value
    return value.name if isinstance(value, Name) else str(value.value) if isinstance(value, Literal) else ""
