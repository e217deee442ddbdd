"""Read the dated tables of `policies/data`, each when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from mlguard.bundled import policies_folder

_ROWS = ',\n"rows":{\n'
"""What the lines of a large table stand behind, the last of its entries."""
_END = "\n}\n}\n"


class _Rows(Mapping[str, Any]):
    """The rows of a large table: each stands on a line of its own, which is read when it is asked for."""

    def __init__(self, text: str, read: Callable[[str], Any]) -> None:
        lines = (line.split(":", 1) for line in text.split(",\n"))
        self._written = {key.strip('"'): value for key, value in lines}
        self._read = cache(read)

    def __getitem__(self, key: str) -> Any:  # noqa: ANN401  (JSON)
        return self._read(self._written[key])

    def __iter__(self) -> Iterator[str]:
        return iter(self._written)

    def __len__(self) -> int:
        return len(self._written)


@cache
def table(name: str) -> dict[str, Any]:
    """Give one table by the name of its file, without `.json`."""
    import json  # noqa: PLC0415  (many runs need no table)

    text = (policies_folder() / "data" / f"{name}.json").read_text(encoding="utf-8")
    head, has_rows, rows = text.partition(_ROWS)
    content: dict[str, Any] = json.loads(head + "}" if has_rows else text)
    if has_rows:
        content["rows"] = _Rows(rows.removesuffix(_END), json.loads)
    return content


def snapshot_date(name: str = "ec2_prices") -> str:
    """Give the day (`2026-07-20`) of the newest figures of a table; without a name, that of the EC2 prices."""
    return str(table(name)["date"])
