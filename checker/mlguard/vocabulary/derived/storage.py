"""Volumes and file systems: what they are made of, and what that costs."""

from __future__ import annotations

from mlguard.scenario import Scenario
from mlguard.value import Content, Unknown, text_of
from mlguard.vocabulary.derived.subject import Subject

_DEFAULT_TYPE = "gp2"
"""What EC2 makes where nobody says more: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVolume.html."""


def volume_type(subject: Subject, scenario: Scenario) -> Content:
    """Give the type of an EBS volume; a volume of an instance that says none has the type that its image gives it."""
    node = subject.field("type", scenario)
    if node is None:
        own = subject.resource.kind == "ec2.volume"
        return _DEFAULT_TYPE if own else Unknown("the type of the volume is that of the image")
    if isinstance(node.content, Unknown):
        return node.content
    return text_of(node.content) or Unknown("the type of the volume is decided by another resource")


def volume_price_item(subject: Subject, scenario: Scenario) -> Content:
    """Give the item of the price list that an EBS volume is billed by."""
    kind = volume_type(subject, scenario)
    return f"ebs.{kind}" if isinstance(kind, str) else kind
