"""Read the dated tables of `policies/data`, each when it is first asked for."""

from __future__ import annotations

from functools import cache
from typing import Any

from mlguard.bundled import policies_folder


@cache
def table(name: str) -> dict[str, Any]:
    """Give one table by the name of its file, without `.json`."""
    import json  # noqa: PLC0415  (many runs need no table)

    content: dict[str, Any] = json.loads((policies_folder() / "data" / f"{name}.json").read_text(encoding="utf-8"))
    return content


def snapshot_date(name: str = "ec2_prices") -> str:
    """Give the day (`2026-07-20`) of the newest figures of a table; without a name, that of the EC2 prices."""
    return str(table(name)["date"])
