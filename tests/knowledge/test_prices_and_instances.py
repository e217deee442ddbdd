import json
from pathlib import Path

import pytest

from mlguard.bundled import policies_folder
from mlguard.knowledge import instances, prices, regions, snapshot_date
from mlguard.knowledge.tables import table

LIST_PRICES = [
    ("p4d.24xlarge", "us-east-1", 21.957642),
    ("p4d.24xlarge", "eu-west-1", 23.71569),
    ("p5.48xlarge", "us-east-1", 55.04),
    ("trn1.32xlarge", "us-east-1", 21.5),
    ("g5.xlarge", "us-east-1", 1.006),
    ("g5.xlarge", "eu-west-1", 1.123),
    ("inf2.xlarge", "us-east-1", 0.7582),
    ("inf2.xlarge", "eu-west-1", 0.94775),
    ("t3.medium", "us-east-1", 0.0416),
    ("m5.large", "us-east-1", 0.096),
]
# what SageMaker's price list says, read out in 2026
SAGEMAKER_PRICES = [
    ("ml.c5.4xlarge", "us-east-1", 0.816),
    ("ml.c6i.8xlarge", "us-east-1", 1.632),
    ("ml.g4dn.xlarge", "us-east-1", 0.736),
    ("ml.g5.xlarge", "us-east-1", 1.408),
    ("ml.g5.2xlarge", "us-east-1", 1.515),
    ("ml.g6e.12xlarge", "us-east-1", 13.12),
    ("ml.g7e.4xlarge", "us-east-1", 4.9977),
    ("ml.m5.4xlarge", "us-east-1", 0.922),
    ("ml.g5.xlarge", "ap-south-1", 1.69),
    ("ml.g6.xlarge", "ap-northeast-1", 1.634),
]


@pytest.mark.parametrize(("name", "region", "usd"), LIST_PRICES)
def test_list_prices(name: str, region: str, usd: float) -> None:
    assert prices.hourly(name, region) == prices.Price(usd, "list", region)


@pytest.mark.parametrize(("name", "region", "usd"), SAGEMAKER_PRICES)
def test_sagemaker_prices_follow_from_those_of_ec2(name: str, region: str, usd: float) -> None:
    price = prices.hourly(name, region)
    assert price is not None
    assert price.kind == "derived"
    assert price.usd == pytest.approx(usd, rel=0.01)
    assert "verified" in price.note


def test_an_estimate_says_so() -> None:
    price = prices.hourly("p6-b200.48xlarge", "eu-north-1")
    assert price is not None
    assert price.kind == "estimated"
    assert "no list price" in price.note
    ours = prices.hourly("ml.p6-b200.48xlarge", "eu-north-1")
    assert ours is not None
    assert ours.kind == "estimated"
    assert ours.usd == pytest.approx(price.usd * 1.15)


@pytest.mark.parametrize(
    "name", ["p9.48xlarge", "", "ml.", "p4d", "p4d.25xlarge", "system", "ml.geospatial.interactive"]
)
def test_what_has_no_price(name: str) -> None:
    assert prices.hourly(name) is None


def test_a_region_without_prices() -> None:
    assert prices.hourly("p4d.24xlarge", "eu-atlantis-1") is None


def test_lookup_ignores_the_sagemaker_prefix() -> None:
    found = instances.lookup("ml.p4d.24xlarge")
    assert found == instances.lookup("p4d.24xlarge")
    assert found is not None
    assert (found.family, found.vcpu, found.memory_gib) == ("p4d", 96, 1152)
    assert (found.accelerator, found.accelerator_kind, found.accelerator_count) == ("NVIDIA A100", "gpu", 8)
    assert found.generation == "current"
    assert instances.lookup("p9.48xlarge") is None


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("ml.p4d.24xlarge", "p4d"),
        ("p6-b200.48xlarge", "p6-b200"),
        ("u-6tb1.56xlarge", "u-6tb1"),
        ("m5.metal-24xl", "m5"),
        ("m5.hundredxlarge", "m5"),
        ("p4d", "p4d"),
        ("optimal", None),
        ("system", None),
        ("ml.geospatial.interactive", None),
        ("", None),
        (".", None),
        ("P4D.24xlarge", None),
        ("p4d.24xlarge\n", None),
        ("p4d 24xlarge", None),
    ],
)
def test_family(name: str, family: str | None) -> None:
    assert instances.family(name) == family


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ml.p4d.24xlarge", True),
        ("g4dn.xlarge", True),
        ("trn2u.48xlarge", True),
        ("dl2q.24xlarge", True),
        ("p6e-gb200.36xlarge", True),
        ("p5e", True),
        ("m5.large", False),
        ("ml.t3.medium", False),
        ("optimal", False),
        ("default_x86_64", False),
        ("system", False),
        ("ml.geospatial.interactive", False),
        ("q7.large", None),
        ("anything", None),
    ],
)
def test_is_accelerated(name: str, expected: bool | None) -> None:  # noqa: FBT001  (an expected answer, not a flag)
    assert instances.is_accelerated(name) is expected


def test_every_instance_with_an_accelerator_is_of_an_accelerated_family() -> None:
    for name in json.loads((policies_folder() / "data" / "instances.json").read_text(encoding="utf-8"))["types"]:
        found = instances.lookup(name)
        assert found is not None
        assert bool(found.accelerator) <= (found.family in instances.accelerated_families()), name


def test_ratio_to_us_east_1() -> None:
    assert regions.price_ratio("us-east-1", "g5") == 1
    assert regions.price_ratio("eu-west-1", "p4d") == pytest.approx(23.71569 / 21.957642, rel=1e-3)


def test_ratio_to_the_cheapest_of_some_regions() -> None:
    compared = ("us-east-1", "eu-west-1")
    ratio = regions.price_ratio("eu-west-1", "g5", compared)
    assert ratio == pytest.approx(1.123 / 1.006, rel=1e-3)
    assert regions.cheapest("g5", compared) == "us-east-1"
    assert regions.price_ratio("us-east-1", "g5", compared) == 1


def test_the_cheapest_region_offers_the_family() -> None:
    # no P4d in Spain, whose general level is low
    assert regions.cheapest("p4d", ("eu-south-2", "ap-northeast-1")) == "ap-northeast-1"
    # a family that is offered there, although the price list does not say for how much
    assert regions.cheapest("p6-b200", ("eu-north-1", "eu-west-1")) == "eu-north-1"


def test_equals_are_given_in_their_order() -> None:
    assert regions.cheapest("g5", ("us-west-2", "us-east-1")) == "us-west-2"
    assert regions.cheapest("g5", ("us-east-1", "us-west-2")) == "us-east-1"


@pytest.mark.parametrize(
    ("region", "family", "compared"),
    [("eu-atlantis-1", "g5", None), ("us-east-1", "q7", None), ("us-east-1", "g5", ()), ("us-east-1", "g5", ("x",))],
)
def test_what_has_no_ratio(region: str, family: str, compared: tuple[str, ...] | None) -> None:
    assert regions.price_ratio(region, family, compared) is None


def test_no_cheapest_among_no_regions() -> None:
    assert regions.cheapest("g5", ()) is None


def test_names_of_regions() -> None:
    assert regions.name("ap-northeast-1") == "Asia Pacific (Tokyo)"
    assert regions.partition("us-gov-west-1") == "aws-us-gov"
    assert regions.name("eu-atlantis-1") is None
    assert regions.partition("eu-atlantis-1") is None


def test_storage_rates() -> None:
    assert prices.storage("s3.standard_first_50tb") == prices.Rate(0.023, "GB-month")
    assert prices.storage("ecr.private_storage") == prices.Rate(0.1, "GB-month")
    assert prices.storage("cloudwatch.logs_ingestion_standard") == prices.Rate(0.5, "GB")
    assert prices.storage("cloudwatch.logs_storage") == prices.Rate(0.03, "GB-month")
    assert prices.storage("s3.gold") is None


def test_every_table_says_what_it_is_and_from_when() -> None:
    paths = sorted(Path(policies_folder() / "data").glob("*.json"))
    assert len(paths) == 9
    for path in paths:
        content = json.loads(path.read_text(encoding="utf-8"))
        assert {"about", "date", "source", "licence"} <= set(content), path.name
        assert snapshot_date(path.stem) == content["date"]
    assert snapshot_date() == "2026-07-20"
    assert sum(path.stat().st_size for path in paths) < 800_000


def test_a_line_of_prices_is_read_like_the_whole_table() -> None:
    whole = json.loads((policies_folder() / "data" / "ec2_prices.json").read_text(encoding="utf-8"))
    assert dict(table("ec2_prices")) == whole | {"rows": table("ec2_prices")["rows"]}
    assert dict(table("ec2_prices")["rows"]) == whole["rows"]
    assert len(table("ec2_prices")["rows"]) == len(whole["rows"]) > 700


@pytest.mark.parametrize("name", ["dates", "rows", "", '"', 'm5.large":', "m5.large\n", "é"])
def test_what_is_no_type_has_no_price(name: str) -> None:
    assert prices.hourly(name) is None
    assert prices.regions_with_price(name) == []
