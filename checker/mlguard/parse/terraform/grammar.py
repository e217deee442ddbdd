"""The grammar of python-hcl2, read into the compact syntax tree.

Two paths with one result: a parse table that was made of that grammar beforehand, and, where another version of
python-hcl2 is installed than the one it was made of, the same builder over the public `hcl2.parses_to_tree`, which is
slower.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mlguard.parse.terraform.builder import PASSING, Builder
from mlguard.parse.terraform.syntax import Argument, Block
from mlguard.parse.terraform.table import TableParser, TextError

__all__ = ["TABLE", "Grammar", "TextError", "fingerprint", "grammar"]

TABLE = Path(__file__).with_name("grammar.json")


class Grammar:
    """Parse a text whose comments and heredocs are blanked, by the fast path where it is there."""

    def __init__(self, *, fast: bool = True) -> None:
        self.builder = Builder()
        table = _table() if fast else None
        self._parse = _by_table(table, self.builder) if table is not None else _public(self.builder)

    def parse(self, text: str) -> list[Argument | Block]:
        """Parse the body of a file; TextError where that fails."""
        try:
            body: list[Argument | Block] = self._parse(text)
        except (RecursionError, ValueError, OverflowError):
            raise TextError("the text cannot be read", 0) from None
        return body


def _table() -> dict[str, Any] | None:
    """Read the table; None where it was not made of the grammar that is installed."""
    spec = find_spec("hcl2")  # found, not imported: that alone takes longer than many a scan
    table: dict[str, Any] = json.loads(TABLE.read_text(encoding="utf-8"))
    same = (
        spec is not None and spec.origin is not None and table["fingerprint"] == fingerprint(Path(spec.origin).parent)
    )
    return table if same else None


def fingerprint(folder: Path) -> str:
    """Tell one version of python-hcl2's grammar from another, by the files that hold it."""
    content = b"".join((folder / name).read_bytes() for name in ("hcl2.lark", "postlexer.py"))
    content = content.replace(b"\r\n", b"\n")
    return f"{len(content)} {zlib.crc32(content):08x}"


def _by_table(table: dict[str, Any], builder: Builder) -> Callable[[str], Any]:
    parser = TableParser(table, builder, PASSING)
    return lambda text: parser.parse(text + "\n")  # the last line must end, too


def _public(builder: Builder) -> Callable[[str], Any]:
    import hcl2  # noqa: PLC0415  (only where the table does not fit)
    import lark  # noqa: PLC0415

    def unreadable(_self: object, _data: object, _parts: object, _meta: object) -> None:
        raise TextError("the text cannot be read", 0)

    rules = {name: _rule(getattr(builder, name)) for name in vars(Builder) if not name.startswith("_")}
    transformer = type("Rules", (lark.Transformer,), {**rules, "__default__": unreadable})()

    def parse(text: str) -> Any:  # noqa: ANN401  (whatever the builder made)
        try:
            return transformer.transform(hcl2.parses_to_tree(text))
        except lark.exceptions.UnexpectedToken as error:
            offset = error.token.start_pos if error.token.start_pos is not None else len(text)
            shown = str(error.token).strip().split("\n")[0] or "the end of the line"
            raise TextError(f"unexpected {shown[:40]!r}", offset) from None
        except lark.exceptions.UnexpectedCharacters as error:
            offset = error.pos_in_stream or 0
            raise TextError(f"unexpected {text[offset : offset + 1]!r}", offset) from None
        except lark.exceptions.LarkError:
            raise TextError("the text cannot be read", 0) from None

    return parse


def _rule(method: Callable[[list[Any]], Any]) -> Callable[[object, list[Any]], Any]:
    return lambda _self, parts: method(parts)


@cache
def grammar() -> Grammar:
    """Give the one grammar of this process."""
    return Grammar()
