"""The grammar of python-hcl2, read into the compact syntax tree.

Two paths with one result: a Lark parser over the grammar file that builds the tree while it parses, and, where that
cannot be made, the same builder over the public `hcl2.parses_to_tree`, which is slower.
"""

from __future__ import annotations

import os
import re
import stat
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import hcl2
import lark
from hcl2.postlexer import PostLexer

from mlguard.parse.terraform.builder import Builder
from mlguard.parse.terraform.syntax import (
    Argument,
    Block,
)

Token = lark.Token


_CHECK = 'a "b" {\n  c = [for k, v in x.y : "${k}" if v > 1 && !z]\n}\n'


class TextError(Exception):
    """The text is not a sentence of the grammar; `offset` is where that shows."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset


class Grammar:
    """Parse a text whose comments and heredocs are blanked, by the fast path where it works."""

    def __init__(self, *, fast: bool = True) -> None:
        self.builder = Builder()
        self._parse = self._checked() if fast else None
        if self._parse is None:
            rules = {name: _rule(getattr(self.builder, name)) for name in vars(Builder) if not name.startswith("_")}
            transformer = type("Rules", (lark.Transformer,), rules)()
            self._parse = lambda text: transformer.transform(hcl2.parses_to_tree(text))

    def parse(self, text: str) -> list[Argument | Block]:
        """Parse the body of a file; TextError where that fails."""
        try:
            body: list[Argument | Block] = self._parse(text + "\n")  # type: ignore[misc]
        except lark.exceptions.UnexpectedToken as error:
            offset = error.token.start_pos if error.token.start_pos is not None else len(text)
            shown = str(error.token).strip().split("\n")[0] or "the end of the line"
            raise TextError(f"unexpected {shown[:40]!r}", offset) from None
        except lark.exceptions.UnexpectedCharacters as error:
            offset = error.pos_in_stream or 0
            raise TextError(f"unexpected {text[offset : offset + 1]!r}", offset) from None
        except (lark.exceptions.LarkError, RecursionError, ValueError, OverflowError):
            raise TextError("the text cannot be read", 0) from None
        return body

    def _checked(self) -> Callable[[str], Any] | None:
        """Make the fast path and try it once; None when this version of python-hcl2 does not allow it."""
        try:
            parse: Callable[[str], Any] = _lark(self.builder).parse
            body = parse(_CHECK)
        except Exception:  # noqa: BLE001  (any failure of undocumented parts means: use the public path)
            return None
        return parse if isinstance(body, list) and isinstance(body[0], Block) and "c" in body[0].arguments else None


def _rule(method: Callable[[list[Any]], Any]) -> Callable[[object, list[Any]], Any]:
    return lambda _self, parts: method(parts)


_MENDED = (
    ("NAME : /[a-zA-Z_][a-zA-Z0-9_-]*/", r"NAME : /[^\W\d][\w-]*/"),
    ("!unary_op : (MINUS | NOT) expr_term", "!unary_op : (MINUS | NOT) unary_expr"),
    ("INT_LITERAL: NEGATIVE_DECIMAL? DECIMAL+", "INT_LITERAL: DECIMAL+"),
    ("(NEGATIVE_DECIMAL? DECIMAL+ | NEGATIVE_DECIMAL+)", "DECIMAL+"),
    ("identifier (COLONS identifier COLONS identifier)? LPAR", "identifier (COLONS identifier)* LPAR"),
)
"""What python-hcl2 refuses and Terraform accepts: `größe`, `!!x` and `- -1`, `x -12`, and `core::upper("a")`."""


def _lark(builder: Builder) -> lark.Lark:
    grammar = Path(hcl2.__file__).with_name("hcl2.lark").read_text(encoding="utf-8")
    for old, new in _MENDED:
        grammar = grammar.replace(old, new)
    kept = _cache_file()
    options: dict[str, Any] = {"parser": "lalr", "postlex": PostLexer(), "transformer": builder}
    if kept is None:
        return lark.Lark(grammar, **options)
    if _is_own(kept):
        return lark.Lark(grammar, cache=str(kept), **options)
    with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
        fresh = Path(folder) / kept.name
        parser = lark.Lark(grammar, cache=str(fresh), **options)
        fresh.replace(kept)  # parallel runs never see half a file
    return parser


def _cache_file() -> Path | None:
    """Name the compiled grammar in the user's cache folder; None when there is no such folder of the user's own."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA", "")
    else:
        home = os.path.expanduser("~")  # noqa: PTH111  (Path.home raises where there is no home)
        usual = "Library/Caches" if sys.platform == "darwin" else ".cache"
        base = os.environ.get("XDG_CACHE_HOME") or str(Path(home) / usual)
    folder = Path(base) / "mlguard"
    if not base or not folder.is_absolute():
        return None
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return None
    version = f"{getattr(hcl2, '__version__', '')}-{lark.__version__}-{sys.version_info[0]}.{sys.version_info[1]}"
    name = "grammar-" + re.sub(r"[^\w.-]", "_", version) + ".bin"
    return folder / name if _is_own(folder) and os.access(folder, os.W_OK) else None


def _is_own(path: Path) -> bool:
    """Tell whether only the user can have written it: the compiled grammar is code to whoever loads it."""
    try:
        status = path.lstat()
    except OSError:
        return False
    if stat.S_ISLNK(status.st_mode):
        return False
    return not hasattr(os, "getuid") or (status.st_uid == os.getuid() and not status.st_mode & 0o022)


@cache
def grammar() -> Grammar:
    """Give the one grammar of this process."""
    return Grammar()
