"""AWS Batch: how many GPUs a job asks for, and whether jobs of several nodes are there."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from mlguard.scenario import Scenario
from mlguard.value import Content, Items, Node, Unknown, child, items, settle, text_of
from mlguard.vocabulary.derived.subject import Subject
from mlguard.vocabulary.embedded.definition import Reader

_CONTAINERS = ("ContainerProperties", "ContainerOverrides", "containerOverrides", "container_properties")
_NODES = ("NodeProperties", "node_properties")
_RANGES = (("NodeRangeProperties", "nodeRangeProperties"), ("Container", "container"))
_REQUIREMENTS = (("ResourceRequirements", "resourceRequirements"), ("Type", "type"), ("Value", "value"))


def batch_gpus(subject: Subject, scenario: Scenario) -> Content | Node:
    """Give the number of GPUs that the first container with any gets; absent where a job asks for none."""
    for key in (*_CONTAINERS, *_NODES):
        written = subject.raw(key, scenario)
        if written is None:
            continue
        whole = Reader(subject.project.documents).read(written)
        if whole is None or isinstance(whole.content, Unknown):
            return Unknown("its container properties cannot be read") if whole is None else whole
        containers = _of_nodes(whole, scenario) if key in _NODES else [whole]
        found = next((gpus for one in containers if (gpus := _gpus(one, scenario)) is not None), None)
        if found is not None:
            return found
    return None


def _of_nodes(properties: Node, scenario: Scenario) -> Iterator[Node]:
    """Give the containers of the nodes of a job that runs on several."""
    for ranges, container in product(*_RANGES):
        listed = items(child(properties, ranges, scenario), scenario)
        for node in listed.nodes if isinstance(listed, Items) else ():
            found = child(node, container, scenario)
            if found is not None:
                yield found


def runs_multi_node_jobs(subject: Subject, scenario: Scenario) -> Content:
    """Tell whether the project has jobs of several nodes, which AWS Batch takes on no environment that buys spot.

    See https://docs.aws.amazon.com/batch/latest/userguide/mnp-ce.html.
    """
    jobs = [one for one in subject.siblings.of_kind("batch.job_definition") if one.raw.exists(scenario) is not False]
    types = [settle(one.properties["type"], scenario).content for one in jobs]
    if "multinode" in types:
        return True
    return next((content for content in types if isinstance(content, Unknown)), False)


def _gpus(container: Node, scenario: Scenario) -> Node | None:
    for requirements, kind, value in product(*_REQUIREMENTS):
        listed = items(child(container, requirements, scenario), scenario)
        if isinstance(listed, Unknown):
            return Node(listed, container.span, container.key_span)
        for node in listed.nodes:
            type_ = child(node, kind, scenario)
            number = child(node, value, scenario)
            if type_ is not None and number is not None and text_of(type_.content) == "GPU":
                text = text_of(number.content)
                return Node(int(text) if text and text.isdigit() else number.content, number.span, number.key_span)
    return None
