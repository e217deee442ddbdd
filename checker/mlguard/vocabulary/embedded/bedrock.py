"""Bedrock flows: the nodes that generate text. Custom resources of the CDK: the call of the API that one makes."""

from __future__ import annotations

from collections.abc import Iterator

from mlguard.scenario import Scenario
from mlguard.value import Entries, Items, Node, Unknown, child, items, settle, text_of
from mlguard.vocabulary.embedded.definition import MAX_JOBS, Carrier, Found, job_at, kind_of_sdk_call


def sdk_request(carrier: Carrier, scenario: Scenario) -> Iterator[Found]:
    """Give the job that a custom resource of the CDK starts by a call of the SDK."""
    whole = _definition(carrier, scenario)
    if whole is None:
        return
    kind = kind_of_sdk_call(_text(whole, ("service",), scenario), _text(whole, ("action",), scenario))
    request = child(whole, "parameters", scenario)
    if kind is not None and request is not None:
        yield job_at(request, kind, "call", request, {})


def flow_nodes(carrier: Carrier, scenario: Scenario) -> Iterator[Found]:
    """Give the prompts and knowledge bases of a flow and of the loops inside of it, in either format's spelling."""
    whole = _definition(carrier, scenario)
    pending = [whole] if whole is not None else []
    for _ in range(MAX_JOBS):
        if not pending:
            return
        for node in _listed(_either(pending.pop(), ("Nodes", "nodes", "node"), scenario), scenario):
            configuration = _either(node, ("Configuration", "configuration"), scenario)
            if configuration is None:
                continue
            inner = _below(configuration, (("Loop", "loop"), ("Definition", "definition")), scenario)
            pending.extend([inner] if inner is not None else [])
            generating = _generating(configuration, scenario)
            if generating is not None:
                name = _text(node, ("Name", "name"), scenario)
                yield job_at(generating, "bedrock.flow_node", name, generating, {})


_SOURCE = ("SourceConfiguration", "sourceConfiguration", "source_configuration")
_KNOWLEDGE_BASE = ("KnowledgeBase", "knowledgeBase", "knowledge_base")


def _generating(configuration: Node, scenario: Scenario) -> Node | None:
    if _either(configuration, ("Prompt", "prompt"), scenario) is not None:
        found = _below(configuration, (("Prompt", "prompt"), _SOURCE, ("Inline", "inline")), scenario)
    else:
        found = _either(configuration, _KNOWLEDGE_BASE, scenario)
    return _one_block(found, scenario)


def _definition(carrier: Carrier, scenario: Scenario) -> Node | None:
    """Read the definition; None where it cannot be read."""
    written = _one_block(carrier.definition(scenario), scenario)
    read = carrier.reader.read(written) if written is not None else None
    return read if read is not None and isinstance(read.content, Entries) else None


def _one_block(node: Node | None, scenario: Scenario) -> Node | None:
    """Give the body of a block of Terraform that stands once; every other node as it is."""
    content = node.content if node is not None else None
    return settle(content.nodes[0], scenario) if isinstance(content, Items) and len(content.nodes) == 1 else node


def _below(node: Node, path: tuple[tuple[str, ...], ...], scenario: Scenario) -> Node | None:
    found: Node | None = node
    for keys in path:
        found = _either(found, keys, scenario) if found is not None else None
    return found


def _either(node: Node, keys: tuple[str, ...], scenario: Scenario) -> Node | None:
    """Give what stands under the first of some spellings of a key that is there."""
    found = (child(node, key, scenario) for key in keys)
    return next((one for one in found if one is not None and not isinstance(one.content, Unknown)), None)


def _listed(node: Node | None, scenario: Scenario) -> list[Node]:
    listed = items(node, scenario)
    return [] if isinstance(listed, Unknown) else list(listed.nodes)


def _text(node: Node, keys: tuple[str, ...], scenario: Scenario) -> str:
    found = _either(node, keys, scenario)
    return (text_of(found.content) or "") if found is not None else ""
