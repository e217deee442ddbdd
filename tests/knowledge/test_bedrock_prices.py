"""What Bedrock's models cost, as AWS lists it."""

from __future__ import annotations

import pytest

from mlguard.knowledge import bedrock


@pytest.mark.parametrize(
    ("name", "price"),
    [
        ("amazon.nova-micro-v1:0", (0.035, 0.14, 0.00875)),
        ("anthropic.claude-3-haiku-20240307-v1:0", (0.25, 1.25, None)),
        ("anthropic.claude-sonnet-4-5-20250929-v1:0", (3.3, 16.5, 0.33)),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", (3.3, 16.5, 0.33)),
        ("global.anthropic.claude-sonnet-4-5-20250929-v1:0", (3, 15, 0.3)),
        ("us.amazon.nova-pro-v1:0", (0.8, 3.2, 0.2)),
        ("amazon.titan-embed-text-v2:0", (0.02, None, None)),
    ],
)
def test_the_price_of_tokens(name: str, price: tuple[float, float | None, float | None]) -> None:
    assert bedrock.token_price(name) == bedrock.TokenPrice(*price)


def test_an_unknown_model_has_no_price() -> None:
    assert bedrock.token_price("example.no-such-model-v1:0") is None
    assert bedrock.model_unit_hour("example.no-such-model-v1:0", "", "us-east-1") is None


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("us.anthropic.claude-3-haiku-20240307-v1:0", ("us", "anthropic.claude-3-haiku-20240307-v1:0")),
        ("us-gov.amazon.nova-pro-v1:0", ("us-gov", "amazon.nova-pro-v1:0")),
        ("openai.gpt-5.4", ("", "openai.gpt-5.4")),
        ("ai21.jamba-1-5-mini-v1:0", ("", "ai21.jamba-1-5-mini-v1:0")),
    ],
)
def test_the_geography_of_an_inference_profile(name: str, wanted: tuple[str, str]) -> None:
    assert bedrock.split_geography(name) == wanted


@pytest.mark.parametrize(
    ("name", "commitment", "region", "usd"),
    [
        ("meta.llama3-1-8b-instruct-v1:0:128k", "", "us-west-2", 24),
        ("meta.llama3-1-8b-instruct-v1:0:128k", "SixMonths", "", 13.08),
        ("anthropic.claude-v2:1:200k", "OneMonth", "eu-central-1", 149.4),
        ("anthropic.claude-v2:1:200k", "", "eu-central-1", None),
        ("anthropic.claude-v2:1:200k", "OneMonth", "sa-east-1", None),
        ("amazon.nova-canvas-v1:0", "ThreeMonths", "us-east-1", None),
    ],
)
def test_the_price_of_a_model_unit(name: str, commitment: str, region: str, usd: float | None) -> None:
    assert bedrock.model_unit_hour(name, commitment, region) == usd


def test_models_by_pattern() -> None:
    found = {name for name, _ in bedrock.models_like("anthropic.claude-3-*haiku*")}
    assert found == {"anthropic.claude-3-haiku-20240307-v1:0", "anthropic.claude-3-5-haiku-20241022-v1:0"}
    assert list(bedrock.models_like("[a-z]*")) == []
    assert len(list(bedrock.models_like("*" * 500))) > 50
