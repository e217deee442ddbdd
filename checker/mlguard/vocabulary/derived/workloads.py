"""Whether work that was put on an accelerator can use one, as far as its container image and its tags tell."""

from __future__ import annotations

from fnmatch import fnmatchcase

from mlguard.knowledge import generations, instances
from mlguard.scenario import Scenario
from mlguard.value import Content, Node, Reference, Unknown, text_of
from mlguard.vocabulary.derived.generations import cheapest_of, price, type_of
from mlguard.vocabulary.derived.subject import Subject

_TAG = "mlguard:gpu-ok"
_PROCESSORS = ("c5", "m5", "r5")


def image_work(subject: Subject, scenario: Scenario) -> Content | Node:
    """Say what the container image of a job computes on: `gpu` or `cpu`; AWS's own where the job names none.

    A name that says neither is not known: whoever built the image knows.
    """
    image = subject.property("image", scenario)
    if image is None:
        return "cpu"
    content = image.content
    if isinstance(content, Reference):
        return Node(Unknown(f"{content.address} decides the image"), image.span, image.key_span)
    name = content.pattern if isinstance(content, Unknown) else text_of(content) or ""
    for work in ("gpu", "cpu"):
        listed = subject.settings.parameter(f"{work}_images", "")
        patterns = listed if isinstance(listed, list | tuple) else ()
        if any(fnmatchcase(name.lower(), str(pattern)) for pattern in patterns):
            return Node(work, image.span, image.key_span, image.origins)
    because = f'whether "{name}" computes on an accelerator is not known'
    unknown = content if isinstance(content, Unknown) else Unknown(because)
    return Node(unknown, image.span, image.key_span, image.origins)


def accelerator_wanted(subject: Subject, scenario: Scenario) -> Content:
    """Tell whether a tag says that the work needs its accelerator."""
    return any(key.lower() == _TAG and value != "false" for key, value in subject.tags(scenario).items())


def without_accelerator(subject: Subject, scenario: Scenario) -> Content:
    """Say in words which type without an accelerator has as much of everything else, and what both cost."""
    kind = type_of(subject, scenario)
    if kind is None or isinstance(kind, Unknown):
        return kind
    own, use = instances.lookup(kind), subject.field("use", scenario)
    prefix = "ml." if kind.startswith("ml.") else ""
    used = text_of(use.content) or "" if use is not None else ""
    alike = [
        prefix + name
        for name in instances.types_of(_PROCESSORS)
        if own is not None and instances.at_least_as_large(name, own) and generations.taken(prefix + name, used)
    ]
    before, found = price(subject, kind, scenario), cheapest_of(subject, alike, scenario)
    if before is None or found is None:
        return "a type without an accelerator does it for less"
    return f"{found[1]} has as many vCPUs and as much memory for ${found[0]:,.2f} instead of ${before:,.2f} an hour"
