"""Vector stores behind knowledge bases: what they keep running before anybody asks anything."""

from __future__ import annotations

from collections.abc import Iterator

from mlguard.resource import Resource
from mlguard.scenario import Scenario
from mlguard.value import Content, Node, Reference, Unknown, settle, text_of
from mlguard.vocabulary.derived.subject import Subject
from mlguard.vocabulary.joins import without_keys

_VECTORS = "VECTORSEARCH"


def collection_capacity(subject: Subject, scenario: Scenario) -> Content | Node:
    """Say what a collection keeps running.

    `redundant` with standby replicas, which is the default; `single` without; `in-group` where a collection group
    decides it; `none` where it holds no vectors.
    """
    kind = subject.property("type", scenario)
    if kind is not None and isinstance(kind.content, Unknown | Reference):
        return Unknown("what the collection is for is decided at deployment")
    if kind is None or text_of(kind.content) != _VECTORS:
        return "none"
    group = subject.property("group", scenario)
    if group is not None:
        here = next(_groups(subject, group, scenario), None)
        return "in-group" if here is not None else Unknown("its collection group is not in this project")
    return _redundancy(subject.property("standby_replicas", scenario))


def _groups(subject: Subject, named: Node, scenario: Scenario) -> Iterator[Resource]:
    for sibling in subject.siblings:
        if sibling.kind == "opensearch.collection_group" and _is(named, sibling, scenario):
            yield sibling


def _is(named: Node, group: Resource, scenario: Scenario) -> bool:
    if isinstance(named.content, Reference):
        return without_keys(named.content.address) == without_keys(group.raw.address)
    name, written = settle(group.properties["name"], scenario), text_of(named.content)
    return written is not None and written == text_of(name.content)


def _redundancy(standby: Node | None) -> Content | Node:
    if standby is None:
        return "redundant"
    written = text_of(standby.content)
    if written is None:
        return standby
    return Node("single" if written == "DISABLED" else "redundant", standby.span, standby.key_span, standby.origins)


def group_capacity(subject: Subject, scenario: Scenario) -> Content | Node:
    """Say what a collection group keeps running.

    `kept-warm` where it has a minimum; `scales-to-zero` where it is of the next generation and has none; of the
    classic generation `redundant` or `single`; `none` where its collections hold no vectors.
    """
    if _holds_no_vectors(subject, scenario):
        return "none"
    unknown: Unknown | None = None
    for name in ("min_search_ocu", "min_indexing_ocu"):
        node = subject.property(name, scenario)
        written = text_of(node.content) if node is not None else "0"
        if written is None:
            unknown = Unknown("its minimum is decided at deployment")
        elif node is not None and written not in ("0", "0.0"):
            return Node("kept-warm", node.span, node.key_span, node.origins)
    generation = subject.property("generation", scenario)
    written = text_of(generation.content) if generation is not None else "CLASSIC"
    if unknown is not None or written is None:
        return unknown or Unknown("its generation is decided at deployment")
    return "scales-to-zero" if written == "NEXTGEN" else _redundancy(subject.property("standby_replicas", scenario))


def _holds_no_vectors(subject: Subject, scenario: Scenario) -> bool:
    kinds = []
    for sibling in subject.siblings:
        if sibling.kind != "opensearch.collection":
            continue
        group = settle(sibling.properties["group"], scenario)
        if group.content is not None and _is(group, subject.resource, scenario):
            kind = settle(sibling.properties["type"], scenario).content
            kinds.append("TIMESERIES" if kind is None else text_of(kind))  # that is the default
    return bool(kinds) and all(kind is not None and kind != _VECTORS for kind in kinds)


def index_capacity(subject: Subject, scenario: Scenario) -> Content | Node:
    """Say which size of index runs: `developer`, or `enterprise`, which is the default of the API."""
    edition = subject.property("edition", scenario)
    if edition is None:
        return "enterprise"
    written = text_of(edition.content)
    if written is None:
        return edition
    state = "developer" if written == "DEVELOPER_EDITION" else "enterprise"
    return Node(state, edition.span, edition.key_span, edition.origins)
