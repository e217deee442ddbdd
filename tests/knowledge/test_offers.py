"""Which instance types a region's price list has, by use."""

from __future__ import annotations

import re

from mlguard.knowledge import regions
from mlguard.knowledge.offers import is_listed, regions_offering
from mlguard.knowledge.tables import table


def test_a_type_is_offered_where_the_price_list_has_it() -> None:
    dear = regions_offering("hosting", "ml.p5.48xlarge")
    assert dear is not None
    assert "us-east-1" in dear
    assert "eu-west-1" not in dear
    assert regions_offering("hosting", "ml.trn1.32xlarge") == ("us-east-1", "us-west-2")


def test_what_no_price_list_has_is_not_known() -> None:
    assert regions_offering("hosting", "ml.p99.huge") is None
    assert regions_offering("notebook", "ml.t3.medium") is None
    assert is_listed("eu-west-1")
    assert not is_listed("eu-nowhere-1")


def test_the_table_holds_known_regions_and_types_only() -> None:
    content = table("sagemaker_offers")
    assert all(regions.name(region) for region in content["regions"])
    for types in content["offered"].values():
        for name, offering in types.items():
            assert re.fullmatch(r"ml\.[a-z0-9-]+\.[a-z0-9-]+", name)
            assert offering == sorted(set(offering))
            assert offering[-1] < len(content["regions"])
