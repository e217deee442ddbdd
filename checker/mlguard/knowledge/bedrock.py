"""What Bedrock's models cost: a million tokens on demand, an hour of a provisioned model unit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import translate
from functools import lru_cache

from mlguard.knowledge.tables import table
from mlguard.patterns import lazy_pattern
from mlguard.record import record

_GEOGRAPHY = lazy_pattern(r"(?:apac|au|ca|eu|global|il|in|jp|me|mx|sa|uk|us|us-gov)\.(?=[a-z0-9-]+\.)")
_TERMS = {"": 0, "OneMonth": 1, "SixMonths": 2}


@record()
class TokenPrice:
    """USD for a million tokens of input, of output (None where the model gives none), and of cached input."""

    input: float
    output: float | None
    cached: float | None

    def shown(self) -> str:
        """Give the price as a person reads it: `$3 in, $15 out for a million tokens`."""
        out = f", ${self.output:,g} out" if self.output is not None else ""
        return f"${self.input:,g} in{out} for a million tokens"


def split_geography(name: str) -> tuple[str, str]:
    """Split the id of an inference profile into its geography, empty for a model's own id, and the model."""
    match = _GEOGRAPHY.match(name)
    return (match[0][:-1], name[match.end() :]) if match else ("", name)


def token_price(name: str) -> TokenPrice | None:
    """Give what a model or the inference profile of one costs on demand; None where no price is known."""
    geography, model = split_geography(name)
    rows = table("bedrock_prices")["tokens"].get(model)
    if rows is None:
        return None
    regional, worldwide = rows
    row = (worldwide or regional) if geography == "global" else (regional or worldwide)
    return TokenPrice(*row)


def models_like(pattern: str) -> Iterator[tuple[str, TokenPrice]]:
    """Give the models with a known price whose id a pattern with `*` and `?` matches."""
    matches = _compiled(pattern)
    for name in table("bedrock_prices")["tokens"]:
        price = token_price(name) if matches.match(name) else None
        if price is not None:
            yield name, price


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(translate(re.sub(r"\*+", "*", pattern).replace("[", "[[]")))


def model_unit_hour(name: str, commitment: str, region: str) -> float | None:
    """Give USD for an hour of one model unit: commitment `OneMonth`, `SixMonths` or none; None where not known."""
    model = split_geography(name)[1]
    for begin, regions in table("bedrock_prices")["model_units"].items():
        if model.startswith(begin):
            terms = regions.get(region) or regions.get("")
            found = terms[_TERMS[commitment]] if terms is not None and commitment in _TERMS else None
            return None if found is None else float(found)
    return None
