"""Resources with their `count`, `for_each` and dynamic blocks written out, as raw resources."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from mlguard.parse.hcl.conversion import CannotKnowError, InvalidError, as_number, known
from mlguard.parse.hcl.evaluate import Frame, evaluate, pairs
from mlguard.parse.hcl.module import Located, Module, key_text, provider_alias
from mlguard.parse.hcl.syntax import Syntax
from mlguard.resource import RawResource
from mlguard.scenario import Scenario, TooManyScenariosError, explore
from mlguard.source import Document, Span
from mlguard.value import Choice, Entries, Items, Node, Unknown, settle, text_of

MAX_INSTANCES = 1000
_META = frozenset(("count", "for_each", "depends_on", "provider", "lifecycle", "provisioner", "connection"))
Local = Mapping[str, Node]


def module_resources(module: Module) -> Iterator[RawResource]:
    """Give the resources of a module and of the modules that it calls, written out."""
    for located in module.blocks("resource"):
        block = located.block
        if len(block.labels) == 2 and module.shared.wanted(block.labels[0]):  # noqa: PLR2004  (type and name)
            yield from _resources(module, located)
    for located in module.blocks("module"):
        if located.block.labels:
            children = module.children(located.block.labels[0])
            if not isinstance(children, Unknown):
                for child in children.values():
                    yield from module_resources(child)


def _resources(module: Module, located: Located) -> Iterator[RawResource]:
    attributes = module.attributes(located)
    body = module.body(located)
    if body is None:
        return
    document = located.hcl.document
    kind, name = located.block.labels[0], located.block.labels[1]
    provider = provider_alias(attributes["provider"].parts[1]) if "provider" in attributes else None
    alias = None if provider in (None, "aws") else provider
    for key, local in instances(module, attributes, document):
        yield RawResource(
            format="terraform",
            type=kind,
            address=f"{module.prefix}{kind}.{name}{f'[{key}]' if key else ''}",
            body=Node(Choice(_body(module, body, document, local, located.header)), located.header, located.header),
            span=located.span,
            name_span=located.header,
            region=Node(Choice(_region(module, attributes, document, local, alias, located.header)), located.header),
            exists=existence(module, attributes, document, key),
            tags_below=module.default_tags(alias, Scenario()),
            related=module.calls,
        )


def instances(module: Module, attributes: Mapping[str, Syntax], document: Document) -> list[tuple[str, Local]]:
    """Give the key and the local names of each instance; one symbolic `?` where they are not known."""
    if "count" not in attributes and "for_each" not in attributes:
        return [("", {})]
    found: dict[str, Local] = {}
    try:
        for outcome in explore(lambda scenario: _instances_in(module, attributes, document, scenario), 256):
            found.update(outcome.result)
    except TooManyScenariosError:
        return [("?", _symbolic(document, "it depends on too many parameters"))]
    return sorted(found.items(), key=_instance_order)


def _instance_order(item: tuple[str, Local]) -> tuple[int, str]:
    key = item[0]
    return (int(key), "") if key.isdigit() else (0, key)


def _instances_in(
    module: Module, attributes: Mapping[str, Syntax], document: Document, scenario: Scenario
) -> dict[str, Local]:
    frame = module.frame(document, scenario)
    module.shared.attribute_steps = 0
    try:
        if "count" in attributes:
            value = attributes["count"].parts[1]
            number = as_number(known(evaluate(value, replace(frame, at=frame.place(value))), scenario))
            if number > MAX_INSTANCES:
                return {"?": _symbolic(document, f"{number:,} instances")}
            return {str(index): {"count": _names(frame, index=Node(index, frame.at))} for index in range(int(number))}
        value = attributes["for_each"].parts[1]
        listed = pairs(evaluate(value, replace(frame, at=frame.place(value))), frame)
    except CannotKnowError as error:
        return {"?": _symbolic(document, error.unknown.because)}
    except (InvalidError, ArithmeticError, ValueError, RecursionError) as error:
        return {"?": _symbolic(document, str(error))}
    found: dict[str, Local] = {}
    for key, item in listed[:MAX_INSTANCES]:
        text = text_of(settle(key, scenario).content)
        if text is None:
            return {"?": _symbolic(document, "a key is known after deployment")}
        found[key_text(text)] = {"each": _names(frame, key=Node(text, frame.at), value=item)}
    return found


def _names(frame: Frame, **nodes: Node) -> Node:
    return Node(Entries(nodes), frame.at)


def _symbolic(document: Document, because: str) -> Local:
    at = Span(document.path, 1, 1, 1, 1)
    unknown = Node(Unknown(f"the instances are not known: {because}"), at)
    return {
        "each": Node(Entries({"key": unknown, "value": unknown}), at),
        "count": Node(Entries({"index": unknown}), at),
    }


def existence(
    module: Module, attributes: Mapping[str, Syntax], document: Document, key: str
) -> Callable[[Scenario], bool | Unknown]:
    """Give the function that tells whether an instance exists in a scenario."""
    outer = module.exists
    if "count" not in attributes and "for_each" not in attributes:
        return outer

    def exists(scenario: Scenario) -> bool | Unknown:
        return outer(scenario) is not False and key in _instances_in(module, attributes, document, scenario)

    return exists if key != "?" else outer


def _region(
    module: Module, attributes: Mapping[str, Syntax], document: Document, local: Local, alias: str | None, at: Span
) -> Callable[[Scenario], Node]:
    def choose(scenario: Scenario) -> Node:
        frame = replace(module.frame(document, scenario, local), at=at)
        if "region" in attributes:
            return module.value(attributes["region"], frame)
        return module.region(alias, frame)

    return choose


def _body(module: Module, body: Syntax, document: Document, local: Local, header: Span) -> Callable[[Scenario], Node]:
    def choose(scenario: Scenario) -> Node:
        return Node(_entries(module, body, module.frame(document, scenario, local)), header, header)

    return choose


def _entries(module: Module, body: Syntax, frame: Frame) -> Entries:
    """Give the arguments and nested blocks of a body; blocks of one name stand in one list."""
    nodes: dict[str, Node] = {}
    listed: dict[str, list[Node]] = {}
    rests: dict[str, Unknown] = {}
    places: dict[str, Span] = {}
    for part in body.parts:
        if part.kind == "attribute":
            if part.parts[0] not in _META:
                nodes[part.parts[0]] = _lazy(module, part, frame)
            continue
        name, labels, inner, header_end = part.parts
        header = frame.document.span(part.start, header_end)
        if name == "dynamic" and labels:
            places.setdefault(labels[0], header)
            made = _dynamic(module, labels[0], inner, frame, header)
            if isinstance(made, Unknown):
                rests[labels[0]] = made
                listed.setdefault(labels[0], [])
            else:
                listed.setdefault(labels[0], []).extend(made)
        elif name not in _META:
            places.setdefault(name, header)
            listed.setdefault(name, []).append(Node(_entries(module, inner, frame.deeper()), header, header))
    for name, blocks in listed.items():
        nodes[name] = Node(Items(tuple(blocks), rests.get(name)), places[name], places[name])
    return Entries(nodes)


def _lazy(module: Module, attribute: Syntax, frame: Frame) -> Node:
    value = attribute.parts[1]
    key_span = frame.place(attribute.parts[2])
    if value.kind == "literal":
        return Node(value.parts[0], frame.place(value), key_span)

    def choose(scenario: Scenario) -> Node:
        return module.value(attribute, replace(frame, scenario=scenario))

    return Node(Choice(choose), frame.place(value), key_span)


def _dynamic(module: Module, name: str, body: Syntax, frame: Frame, header: Span) -> list[Node] | Unknown:
    attributes = {part.parts[0]: part.parts[1] for part in body.parts if part.kind == "attribute"}
    content = next((part for part in body.parts if part.kind == "block" and part.parts[0] == "content"), None)
    if "for_each" not in attributes or content is None:
        return Unknown(f'the dynamic block "{name}" is not complete')
    iterator = attributes["iterator"].parts[0] if "iterator" in attributes else name
    try:
        value = attributes["for_each"]
        collection = evaluate(value, replace(frame, at=frame.place(value)))
        listed = pairs(collection, frame)
    except CannotKnowError as error:
        return Unknown(f'the dynamic block "{name}" depends on what is not known: {error.unknown.because}')
    except InvalidError as error:
        return Unknown(f'the dynamic block "{name}" cannot be evaluated: {error}')
    made = []
    for key, item in listed[:MAX_INSTANCES]:
        local = {**frame.local, str(iterator): Node(Entries({"key": key, "value": item}), frame.at)}
        inner = replace(frame.deeper(), local=local)
        made.append(Node(_entries(module, content.parts[2], inner), header, header))
    return made
