"""Read the dated tables of `policies/data`, each when it is first asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from mlguard.bundled import policies_folder

_ROWS = ',\n"rows":{\n'
"""What the lines of a large table stand behind, the last of its entries."""
_END = "\n}\n}\n"


class _Rows(Mapping[str, Any]):
    """The rows of a large table: each stands on a line of its own, which is read when it is asked for."""

    def __init__(self, text: str) -> None:
        self._lines = dict(line.split(":", 1) for line in text.split(",\n"))
        self._read: dict[str, Any] = {}

    def __getitem__(self, key: str) -> Any:  # noqa: ANN401  (JSON)
        if key not in self._read:
            self._read[key] = json.loads(self._lines[json.dumps(key)])
        return self._read[key]

    def __iter__(self) -> Iterator[str]:
        return map(json.loads, self._lines)

    def __len__(self) -> int:
        return len(self._lines)


@cache
def table(name: str) -> dict[str, Any]:
    """Give one table by the name of its file, without `.json`."""
    text = (policies_folder() / "data" / f"{name}.json").read_text(encoding="utf-8")
    head, has_rows, rows = text.partition(_ROWS)
    if not has_rows:
        content: dict[str, Any] = json.loads(text)
        return content
    return {**json.loads(head + "}"), "rows": _Rows(rows.removesuffix(_END))}


def snapshot_date(name: str = "ec2_prices") -> str:
    """Give the day (`2026-07-20`) of the newest figures of a table; without a name, that of the EC2 prices."""
    return str(table(name)["date"])
