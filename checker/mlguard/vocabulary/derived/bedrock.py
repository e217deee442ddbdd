"""Bedrock: which model is behind what the code names, what it costs, and whether a router or a cache can save."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlguard.knowledge.bedrock import TokenPrice, split_geography, token_price
from mlguard.patterns import lazy_pattern
from mlguard.resource import Resource
from mlguard.scenario import Scenario
from mlguard.value import Content, Node, Reference, Unknown, child, items, settle, text_of
from mlguard.vocabulary.derived.subject import Subject
from mlguard.vocabulary.derived.tags import tag_of
from mlguard.vocabulary.joins import without_keys

APPROVAL_TAG = "mlguard:approved-commitment"
_ARN = lazy_pattern(r"arn:[^:]*:bedrock:[^:]*:[^:]*:(?P<kind>[a-z-]+)/(?P<name>.+)", re.DOTALL)
_MODEL = lazy_pattern(r"[a-z0-9-]+\.[\w.:-]+")
_NAMED_BY = {
    "bedrock.inference_profile": "application-inference-profile",
    "bedrock.provisioned_throughput": "provisioned-model",
    "bedrock.custom_model": "custom-model",
}
_MAX_HOPS = 5
_VARIABLE = lazy_pattern(r"\{\{")
_CHARACTERS_OF_A_TOKEN = 4
_SIZES = lazy_pattern(r"(?:^|[.-])(haiku|sonnet|opus|micro|lite|pro|premier)(?:[.:-]|$)")


def bedrock_model_name(subject: Subject, scenario: Scenario) -> Content | Node:
    """Give the id of the model behind what an item names, without its ARN and geography."""
    found = _behind(subject, scenario)
    return None if found is None else _placed(subject, found[1], scenario)


def bedrock_model_source(subject: Subject, scenario: Scenario) -> Content | Node:
    """Say what an item names: a model, a profile of AWS or of one's own, a router.

    A router of the project is `routed`: its models are judged where they stand.
    """
    found = _behind(subject, scenario)
    return None if found is None else _placed(subject, found[0], scenario)


def bedrock_price(subject: Subject, scenario: Scenario) -> Content:
    """Give the price of the model in words."""
    price = _price_of(subject, scenario)
    return price.shown() if price is not None else "no list price is known"


def _placed(subject: Subject, content: Content, scenario: Scenario) -> Node:
    at = subject.field("model", scenario) or Node(None, subject.resource.raw.name_span)
    return Node(content, at.span, at.key_span, at.origins)


def _behind(subject: Subject, scenario: Scenario) -> tuple[Content, Content] | None:
    """Give what an item names and the model behind it; None where it names nothing."""
    node = subject.field("model", scenario)
    return None if node is None else named_model(subject, node, scenario)


def named_model(subject: Subject, node: Node, scenario: Scenario) -> tuple[Content, Content]:
    """Give what a value names (`foundation-model`, …) and the id of the model behind it; Unknown where not known."""
    source: Content = None
    for _ in range(_MAX_HOPS):
        content = node.content
        if not isinstance(content, Reference):
            named, name = _read(content)
            return source if source is not None else named, name
        sibling = _referred(subject, content)
        if sibling is None:
            unknown = Unknown(f"{content.address} decides it")
            return source if source is not None else unknown, unknown
        if sibling.kind == "bedrock.prompt_router":
            return "routed", Unknown(f"{content.address} chooses among several models")
        source = source if source is not None else _NAMED_BY[sibling.kind]
        following = next(_models_of(sibling, scenario), None)
        if following is None:
            return source, Unknown(f"{content.address} names no model")
        node = following
    return source, Unknown("the models refer to each other")


def _referred(subject: Subject, reference: Reference) -> Resource | None:
    for sibling in subject.siblings:
        named = sibling.kind in (*_NAMED_BY, "bedrock.prompt_router") and not sibling.part_of
        if named and without_keys(sibling.raw.address) == without_keys(reference.address):
            return sibling
    return None


def _models_of(resource: Resource, scenario: Scenario) -> Iterator[Node]:
    listed = items(settle(resource.properties["models"], scenario), scenario)
    for item in listed.nodes if not isinstance(listed, Unknown) else ():
        model = child(item, "model", scenario)
        if model is not None:
            yield model


def _read(content: Content) -> tuple[Content, Content]:
    """Read the name or the ARN of a model, also one that is known in part."""
    written = content.pattern if isinstance(content, Unknown) else text_of(content)
    unknown = content if isinstance(content, Unknown) else Unknown(f'"{written}" does not tell a model')
    if written is None:
        return unknown, unknown
    match = _ARN.fullmatch(written)
    kind, name = (match["kind"], match["name"]) if match is not None else ("", written)
    if kind in ("", "foundation-model", "inference-profile"):
        geography, model = ("*", name[2:]) if name.startswith("*.") else split_geography(name)
        known: Content = model if _MODEL.fullmatch(model) else unknown
        if kind:
            return kind, known
        if geography == "*" or not isinstance(known, str):
            return unknown, known
        return "inference-profile" if geography else "foundation-model", known
    return (unknown if "*" in kind else kind), unknown


def _price_of(subject: Subject, scenario: Scenario) -> TokenPrice | None:
    """Give the price of an item's model, that of its inference profile where the code names one."""
    found = _behind(subject, scenario)
    node = subject.field("model", scenario)
    if found is None or node is None or not isinstance(found[1], str):
        return None
    written = text_of(node.content)
    match = _ARN.fullmatch(written) if written is not None else None
    return token_price(match["name"] if match is not None else written or "") or token_price(found[1])


def commitment_approved(subject: Subject, scenario: Scenario) -> Content:
    """Tell whether a tag says who approved the commitment."""
    value = tag_of(subject, APPROVAL_TAG, scenario)
    if value is None or isinstance(value.content, Unknown):
        return False if value is None else value.content
    return isinstance(value.content, Reference) or bool((text_of(value.content) or "").strip())


def router_saving(subject: Subject, scenario: Scenario) -> Content | Node:
    """Say whether a prompt router can save money.

    `one-model` when there is nothing to choose; `same-price` when its models cost the same; `never-cheaper` when it
    leaves the dearest one only for an answer that is no worse; else `possible`.
    """
    node = subject.property("models", scenario)
    listed = items(node, scenario)
    if node is None or isinstance(listed, Unknown) or listed.rest is not None:
        return Unknown("its models are not known") if node is not None else None
    names = [child(item, "name", scenario) for item in listed.nodes]
    texts = {text for name in names if name is not None and (text := text_of(name.content)) is not None}
    unknown = next((name.content for name in names if name is not None and isinstance(name.content, Unknown)), None)
    if unknown is not None:
        return unknown
    if len(texts) <= 1:
        return Node("one-model", node.span, node.key_span)
    prices = {name: token_price(name) for name in texts}
    known = {name: (price.input, price.output or 0) for name, price in prices.items() if price is not None}
    if len(known) < len(texts):
        return Unknown(f"no price of {min(texts - set(known))} is known")
    if len(set(known.values())) == 1:
        return Node("same-price", node.span, node.key_span)
    return _by_criteria(subject, max(known, key=lambda name: known[name]), scenario)


def _by_criteria(subject: Subject, dearest: str, scenario: Scenario) -> Content | Node:
    fallback = items(subject.property("fallback", scenario), scenario)
    first = fallback.nodes[0] if not isinstance(fallback, Unknown) and fallback.nodes else None
    name = child(first, "name", scenario) if first is not None else None
    difference = subject.property("quality_difference", scenario)
    if name is None or difference is None:
        return "possible"
    if isinstance(difference.content, Unknown) or isinstance(name.content, Unknown):
        return difference.content if isinstance(difference.content, Unknown) else name.content
    if text_of(name.content) == dearest and text_of(difference.content) in ("0", "0.0"):
        return Node("never-cheaper", difference.span, difference.key_span, difference.origins)
    return "possible"


def prompt_static_tokens(subject: Subject, scenario: Scenario) -> Content | Node:
    """Estimate how many tokens of a prompt are the same in each call: all that stands before its first variable."""
    if subject.field("stored_text", scenario) is not None:
        return Unknown("its text is stored in S3")
    length = 0
    for text in _texts(subject, scenario):
        if isinstance(text, Unknown):
            return text
        variable = _VARIABLE.search(text)
        length += variable.start() if variable is not None else len(text)
        if variable is not None:
            break
    at = subject.field("system", scenario) or subject.field("text", scenario) or subject.item
    tokens = length // _CHARACTERS_OF_A_TOKEN
    return tokens if at is None else Node(tokens, at.span, at.key_span)


def _texts(subject: Subject, scenario: Scenario) -> Iterator[str | Unknown]:
    """Give the texts of a prompt in the order in which the model reads them."""
    for name in ("tools", "system", "messages", "text"):
        listed = items(subject.field(name, scenario), scenario)
        if isinstance(listed, Unknown):
            yield listed
            return
        for node in listed.nodes:
            yield from _text(node, scenario, 0)
        if listed.rest is not None:
            yield listed.rest


def _text(node: Node, scenario: Scenario, depth: int) -> Iterator[str | Unknown]:
    settled = settle(node, scenario)
    content = settled.content
    if isinstance(content, Unknown):
        yield content
    elif isinstance(content, Reference):
        yield Unknown(f"{content.address} decides it")
    elif (written := text_of(content)) is not None:
        yield written
    elif depth < _MAX_HOPS * 4:
        below = getattr(content, "nodes", ())
        for key in below:
            if isinstance(below, dict):
                yield str(key)
            yield from _text(below[key] if isinstance(below, dict) else key, scenario, depth + 1)


def prompt_model_caches(subject: Subject, scenario: Scenario) -> Content:
    """Tell whether cached input of a variant's model has a price of its own."""
    found = _behind(subject, scenario)
    if found is None:
        return False
    price = _price_of(subject, scenario)
    if isinstance(found[1], Unknown):
        return found[1]
    return price is not None and price.cached is not None


def prompt_model_size(subject: Subject, scenario: Scenario) -> Content:
    """Give the word in a model's name that tells its size; `other` where there is none."""
    found = _behind(subject, scenario)
    match = _SIZES.search(found[1]) if found is not None and isinstance(found[1], str) else None
    return match[1] if match is not None else "other"


def prompt_input_usd(subject: Subject, scenario: Scenario) -> Content:
    """Give USD for a million tokens of input of a variant's model."""
    price = _price_of(subject, scenario)
    return None if price is None else price.input


def prompt_cached_usd(subject: Subject, scenario: Scenario) -> Content:
    """Give USD for a million tokens that a variant's model reads from its cache."""
    price = _price_of(subject, scenario)
    return None if price is None else price.cached
