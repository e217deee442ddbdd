"""Volumes and file systems: what they are made of, and what that costs."""

from __future__ import annotations

from mlguard.knowledge import instances
from mlguard.scenario import Scenario
from mlguard.value import Content, Unknown, text_of
from mlguard.vocabulary.derived.subject import Subject

_DEFAULT_TYPE = "gp2"
"""What EC2 makes where nobody says more: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVolume.html."""

_RUN_ON_OWN_DISKS = ("training", "processing", "hosting")
"""Where SageMaker mounts the disks of the machine instead of an EBS volume, if it has any:
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ResourceConfig.html."""
_PRICE_ITEMS = {
    "notebook": "sagemaker.endpoint_training_notebook_volume",
    "training": "sagemaker.endpoint_training_notebook_volume",
    "hosting": "sagemaker.endpoint_training_notebook_volume",
    "processing": "sagemaker.processing_volume",
}


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


def on_ebs(subject: Subject, scenario: Scenario) -> Content:
    """Tell whether a SageMaker volume is one of EBS: on machines with disks of their own it is a part of those."""
    use = subject.field("use", scenario)
    if use is None or text_of(use.content) not in _RUN_ON_OWN_DISKS:
        return True
    node = subject.field("machine", scenario)
    if node is None:
        return Unknown("the instance type is not written")
    if isinstance(node.content, Unknown):
        return node.content
    kind = text_of(node.content) or ""
    own = instances.has_own_disks(kind)
    return Unknown(f'whether "{kind}" has disks of its own is not known') if own is None else not own


def machine_learning_price_item(subject: Subject, scenario: Scenario) -> Content:
    """Give the item of the price list that a SageMaker volume is billed by; absent where no price is known."""
    use = subject.field("use", scenario)
    if on_ebs(subject, scenario) is not True or use is None:
        return None
    return _PRICE_ITEMS.get(text_of(use.content) or "")


def lustre_price_item(subject: Subject, scenario: Scenario) -> Content:
    """Give the item of the price list that a Lustre file system is billed by; absent where no price is known."""
    written = {}
    for name, default in (("file_system", ""), ("deployment", "SCRATCH_1"), ("disks", "SSD"), ("throughput", "")):
        node = subject.property(name, scenario)
        if node is not None and isinstance(node.content, Unknown):
            return node.content
        written[name] = (text_of(node.content) or "") if node is not None else default
    if written["file_system"] != "LUSTRE":
        return None
    deployment, disks, throughput = written["deployment"], written["disks"], written["throughput"]
    if disks == "HDD":
        return f"fsx.lustre_hdd_{throughput}"
    if disks != "SSD":
        return None
    if deployment.startswith("SCRATCH") or (deployment, throughput) == ("PERSISTENT_1", "50"):
        return "fsx.lustre_scratch_or_persistent1_50"
    return f"fsx.lustre_{deployment.lower().replace('_', '')}_ssd_{throughput}"
