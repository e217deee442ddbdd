"""AWS Batch: how many GPUs a job asks for."""

from __future__ import annotations

from itertools import product

from mlguard.scenario import Scenario
from mlguard.value import Content, Node, Unknown, child, items, text_of
from mlguard.vocabulary.derived.subject import Subject
from mlguard.vocabulary.embedded.definition import Reader

_CONTAINERS = ("ContainerProperties", "ContainerOverrides", "containerOverrides", "container_properties")
_REQUIREMENTS = (("ResourceRequirements", "resourceRequirements"), ("Type", "type"), ("Value", "value"))


def batch_gpus(subject: Subject, scenario: Scenario) -> Content | Node:
    """Give the number of GPUs that the container of a job gets; absent where it asks for none."""
    for key in _CONTAINERS:
        written = subject.raw(key, scenario)
        if written is None:
            continue
        container = Reader(subject.project.documents).read(written)
        if container is None or isinstance(container.content, Unknown):
            return Unknown("its container properties cannot be read") if container is None else container
        found = _gpus(container, scenario)
        if found is not None:
            return found
    return None


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
