"""The vocabulary that ships is whole, and a wrong one is refused with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlguard.errors import VocabularyError
from mlguard.vocabulary.derived import DERIVED
from mlguard.vocabulary.embedded import CARRIERS
from mlguard.vocabulary.load import bundled_vocabulary, load_vocabulary
from mlguard.vocabulary.model import awscc_type, snake_case

GOOD = """\
kinds:
  x.thing:
    title: Thing
    types: [AWS::X::Thing, aws_x_thing]
    properties:
      name: {what: its name, cloudformation: Name, terraform: [name, name_prefix]}
      rules: {what: rules, cloudformation: {path: "Rules[]", each: {on: {path: Status, equals: Enabled}}}}
"""


def load(folder: Path, text: str) -> None:
    (folder / "v.yaml").write_text(text)
    load_vocabulary(folder)


def test_every_derived_property_has_its_function_and_every_function_its_property() -> None:
    vocabulary = bundled_vocabulary()
    everything = [*vocabulary.common.values()]
    everything += [prop for kind in vocabulary.kinds.values() for prop in kind.properties.values()]
    everything += [prop for shape in vocabulary.shapes.values() for prop in shape.values()]
    named = {prop.derived for prop in everything if prop.derived}
    assert named == set(DERIVED)


def test_every_kind_says_what_it_is() -> None:
    vocabulary = bundled_vocabulary()
    for kind in vocabulary.kinds.values():
        assert kind.title, kind.name
        assert kind.carries in {"", *CARRIERS}
        for prop in kind.properties.values():
            assert prop.what, f"{kind.name}.{prop.name}"
            assert prop.shape in {"", *vocabulary.shapes}, f"{kind.name}.{prop.name}"
            assert prop.derived or prop.spellings, f"{kind.name}.{prop.name}"


def test_a_raw_type_is_of_one_kind() -> None:
    for raw, kinds in bundled_vocabulary().kind_of_type.items():
        assert len(kinds) == 1, raw


def test_joined_types_are_wanted() -> None:
    vocabulary = bundled_vocabulary()
    assert vocabulary.wanted("aws_s3_bucket_lifecycle_configuration")
    assert vocabulary.wanted("AWS::SageMaker::NotebookInstanceLifecycleConfig")
    assert vocabulary.wanted("awscc_s3_bucket")
    assert not vocabulary.wanted("aws_vpc")


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("BucketName", "bucket_name"),
        ("KmsKeyId", "kms_key_id"),
        ("ARN", "arn"),
        ("VPCId", "vpc_id"),
        ("EC2Fleet", "ec2_fleet"),
    ],
)
def test_snake_case(name: str, wanted: str) -> None:
    assert snake_case(name) == wanted


def test_the_types_of_the_cloud_control_provider() -> None:
    assert awscc_type("AWS::SageMaker::NotebookInstance") == "awscc_sagemaker_notebook_instance"
    assert awscc_type("AWS::ECR::Repository") == "awscc_ecr_repository"
    assert awscc_type("AWS::EC2::EC2Fleet") == "awscc_ec2_ec2_fleet"


def test_a_good_vocabulary_is_read(tmp_path: Path) -> None:
    load(tmp_path, GOOD)


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("title: Thing", "titel: Thing", 3, 'unknown key "titel"'),
        ("title: Thing", "title: [x]", 3, '"title" must be a text'),
        ("cloudformation: Name", "cloudfomation: Name", 6, '"cloudfomation" is neither a format nor a resource type'),
        ("cloudformation: Name", "cloudformation: {pth: Name}", 6, 'unknown key "pth"'),
        ("what: its name", "what: [a]", 6, '"what" must be a text'),
        ("each: {on: {path: Status, equals: Enabled}}", "each: [x]", 7, 'a mapping under "each"'),
        ("types: [AWS::X::Thing, aws_x_thing]", "types: [[x]]", 4, "expected a text"),
        ("kinds:\n", "kinds: x\nshapes:\n", 1, 'a mapping under "kinds"'),
    ],
)
def test_a_wrong_vocabulary_is_refused_with_its_place(
    tmp_path: Path, old: str, new: str, line: int, message: str
) -> None:
    assert old in GOOD
    with pytest.raises(VocabularyError) as caught:
        load(tmp_path, GOOD.replace(old, new, 1))
    assert message in caught.value.message
    assert (caught.value.path, caught.value.line) == ("v.yaml", line)
