"""What is left, and billed, when a resource is taken out of the code or its stack is deleted."""

from __future__ import annotations

from mlguard.scenario import Scenario
from mlguard.value import Content, Items, Node, Unknown, child, items, settle, text_of
from mlguard.vocabulary.derived.context import ml_scope
from mlguard.vocabulary.derived.fleets import runs_accelerators
from mlguard.vocabulary.derived.subject import Subject

_STORAGE = frozenset(("s3.bucket", "ecr.repository"))


def left_behind(subject: Subject, scenario: Scenario) -> Content | Node:
    """Say what stays behind.

    `running` when CloudFormation retains what is billed while it is there; `data` when it retains storage of machine
    learning; `protected` when Terraform refuses to destroy it; `home-files` when the file system of a Studio domain
    stays; `volumes` when the volumes of an accelerated instance do; else `nothing`.
    """
    storage = subject.resource.kind in _STORAGE
    if storage and ml_scope(subject, scenario) is not True:
        return "nothing"
    return _policy(subject, scenario, storage=storage) or _parts(subject, scenario) or "nothing"


def _policy(subject: Subject, scenario: Scenario, *, storage: bool) -> Node | None:
    said = subject.resource.raw.removal
    removal = settle(said, scenario) if said is not None else None
    if removal is None or isinstance(removal.content, Unknown):
        return removal
    written = text_of(removal.content)
    if written == "true":
        return Node("protected", removal.span, removal.key_span, removal.origins)
    if written in ("Retain", "RetainExceptOnCreate"):
        return Node("data" if storage else "running", removal.span, removal.key_span, removal.origins)
    return None


def _parts(subject: Subject, scenario: Scenario) -> Content | Node | None:
    """Find parts that stay although the resource goes."""
    raw = subject.resource.raw
    if raw.type == "aws_sagemaker_domain":
        policy = subject.property("home_file_system", scenario)
        if policy is None or isinstance(policy.content, Unknown):
            return policy or "home-files"
        return Node("home-files", policy.span, policy.key_span) if text_of(policy.content) == "Retain" else None
    if subject.resource.kind != "ec2.instance":
        return None
    listed = items(subject.property("volumes_at_end", scenario), scenario)
    goes = [child(volume, "goes", scenario) for volume in (listed.nodes if isinstance(listed, Items) else ())]
    kept = [node for node in goes if node is not None and text_of(node.content) == "false"]
    accelerated = runs_accelerators(subject, scenario) if kept else None
    if not isinstance(accelerated, Node) or accelerated.content is not True:
        return None
    return Node("volumes", kept[0].span, kept[0].key_span, kept[0].origins)
