"""Which family takes the place of another."""

from __future__ import annotations

from mlguard.knowledge import generations, instances
from mlguard.knowledge.tables import table


def test_a_withdrawn_family_names_families_that_are_sold() -> None:
    assert generations.status("p3") == "withdrawn"
    assert "g6" in generations.replacing_families("p3")
    assert generations.status("p99") == ""
    assert generations.replacing_families("p99") == ()


def test_comparable_types_have_as_much_hardware() -> None:
    own = instances.lookup("p3.8xlarge")
    assert own is not None
    found = [instances.lookup(name) for name in generations.comparable("p3.8xlarge", ("g6",), "")]
    assert {"g6.12xlarge", "g6.48xlarge"} <= {one.type for one in found if one}
    assert all(one and one.vcpu >= own.vcpu and one.accelerator_count >= own.accelerator_count for one in found)


def test_sagemaker_is_offered_only_what_its_api_takes_for_the_use() -> None:
    assert generations.taken("ml.m6g.large", "hosting")
    assert not generations.taken("ml.m6g.large", "processing")
    assert generations.taken("m6g.large", "processing")
    assert all(name.startswith("ml.") for name in generations.comparable("ml.p3.2xlarge", ("g5", "g6"), "processing"))


def test_every_family_that_replaces_another_is_known() -> None:
    content = table("generations")
    named = {name for _, found in content["families"].values() for name in found}
    named |= {name for found in content["graviton"].values() for name in found}
    assert named <= instances.families()
