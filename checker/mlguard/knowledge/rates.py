"""A user's own rates: negotiated prices and discounts that stand above the snapshot of list prices.

A CSV file with a header. `item` is an instance type or a pattern such as `ml.g5.*`; `region` is empty for all. A row
gives `usd_per_hour`, or `discount_percent` off the list price of the region. The first row that fits counts.
"""

from __future__ import annotations

import io
import math
from fnmatch import fnmatchcase
from functools import lru_cache

from mlguard.errors import ConfigurationError
from mlguard.knowledge.prices import Price, hourly, regions_with_price
from mlguard.record import record
from mlguard.source import Document

COLUMNS = ("item", "region", "usd_per_hour", "discount_percent", "note")
_MAX_ROWS = 20_000
_WHOLE = 100


@record()
class Rate:
    """One row: what it is for, and the price or the discount in per cent; the other one is None."""

    item: str
    region: str
    usd_per_hour: float | None
    discount_percent: float | None
    note: str

    def price(self, instance_type: str, region: str, listed: Price | None) -> Price | None:
        """Give the user's price where the row is for this type in this region; `listed` is what AWS lists for it."""
        if not fnmatchcase(instance_type, self.item) or self.region not in ("", region):
            return None
        if self.usd_per_hour is not None:
            return Price(self.usd_per_hour, "own", region, self.note or "your rate")
        if listed is None or self.discount_percent is None:
            return None
        usd = round(listed.usd * (1 - self.discount_percent / _WHOLE), 6)
        return Price(usd, "own", region, self.note or f"{self.discount_percent:g} % off the {listed.kind} price")


@record()
class Rates:
    """The rows of a user's file, in their order; none by default."""

    rows: tuple[Rate, ...] = ()

    def hourly(self, instance_type: str, region: str) -> Price | None:
        """Give the price of an instance type for an hour in a region, the user's own where there is one."""
        listed = hourly(instance_type, region)
        own = (row.price(instance_type, region, listed) for row in self.rows)
        return next((price for price in own if price is not None), listed)

    def hourly_range(self, instance_type: str) -> tuple[Price, Price] | None:
        """Give the prices in the cheapest and in the dearest region; None where none is known."""
        return self._range(instance_type) if self.rows else _listed_range(instance_type)

    def _range(self, instance_type: str) -> tuple[Price, Price] | None:
        regions = regions_with_price(instance_type) or [row.region for row in self.rows if row.region]
        found = [price for region in regions if (price := self.hourly(instance_type, region)) is not None]
        if not found:
            return None
        return min(found, key=lambda price: price.usd), max(found, key=lambda price: price.usd)


@lru_cache(maxsize=1024)
def _listed_range(instance_type: str) -> tuple[Price, Price] | None:
    return Rates()._range(instance_type)  # noqa: SLF001  (the same class)


def read_rates(document: Document) -> Rates:
    """Read a file of rates; ConfigurationError with the line where it is wrong."""
    import csv  # noqa: PLC0415  (few have rates of their own)

    reader = csv.DictReader(io.StringIO(document.text.removeprefix("\ufeff")), strict=True)
    try:
        header = [name.strip() for name in reader.fieldnames or ()]
        unknown = [name for name in header if name not in COLUMNS]
        if "item" not in header or unknown:
            what = f'no column "{unknown[0]}"' if unknown else 'the column "item" is missing'
            raise ConfigurationError(f"{what}; the columns are {', '.join(COLUMNS)}", document.path, 1)
        rows: list[Rate] = []
        for row in reader:
            if len(rows) == _MAX_ROWS:
                raise ConfigurationError(f"more than {_MAX_ROWS:,} rates", document.path, reader.line_num)
            rows.append(_rate({str(key).strip(): value for key, value in row.items()}, document, reader.line_num))
    except csv.Error as error:
        raise ConfigurationError(f"not a CSV file: {error}", document.path, reader.line_num) from None
    return Rates(tuple(rows))


def _rate(row: dict[str, object], document: Document, line: int) -> Rate:
    if "None" in row:
        raise ConfigurationError("the row has more fields than the header", document.path, line)
    cells = {name: str(row.get(name) or "").strip() for name in COLUMNS}
    usd = _number(cells["usd_per_hour"], "usd_per_hour", document, line)
    off = _number(cells["discount_percent"], "discount_percent", document, line)
    if not cells["item"] or (usd is None) == (off is None):
        what = "a rate needs an item, and either usd_per_hour or discount_percent"
        raise ConfigurationError(what, document.path, line)
    if off is not None and off > _WHOLE:
        raise ConfigurationError("a discount is at most 100 per cent", document.path, line)
    return Rate(cells["item"], cells["region"], usd, off, cells["note"])


def _number(text: str, name: str, document: Document, line: int) -> float | None:
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise ConfigurationError(f'"{name}" is a number of at least 0, not "{text}"', document.path, line)
    return value
