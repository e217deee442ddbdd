"""HCL to a compact syntax tree with offsets, by python-hcl2's own grammar.

The fast path builds the tree inside of the parser; where the installed python-hcl2 does not allow that, the same
builder runs over the tree of its public function. Both give the same result, which a test holds.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from mlguard.errors import ParseError
from mlguard.source import Document


class Syntax(NamedTuple):
    """A node: what it is, the offsets of its text, and its parts, which depend on the kind."""

    kind: str
    start: int
    end: int
    parts: tuple[Any, ...]


Parse = Callable[[str], Syntax]
Part = Any
"""A token of the parser, a Syntax, or None for what the grammar leaves out."""


def _start(part: Part) -> int:
    return part.start if isinstance(part, Syntax) else part.start_pos


def _end(part: Part) -> int:
    return part.end if isinstance(part, Syntax) else part.end_pos


def _nodes(parts: Sequence[Part]) -> list[Syntax]:
    return [part for part in parts if isinstance(part, Syntax)]


def _whole(kind: str, parts: Sequence[Part], value: tuple[Any, ...]) -> Syntax:
    there = [part for part in parts if part is not None]
    return Syntax(kind, _start(there[0]), _end(there[-1]), value)


def _flags(parts: Sequence[Part]) -> tuple[bool, bool]:
    """Tell where a template directive strips blanks: before it and behind it."""
    tokens = [part for part in parts if part is not None and not isinstance(part, Syntax)]
    marks = [token.type == "STRIP_MARKER" for token in tokens]
    return (len(marks) > 1 and marks[1], len(marks) > 1 and marks[-2])


class Builder:
    """One method for each rule of the grammar; called by the parser with what the parts of the rule became."""

    def start(self, parts: Sequence[Part]) -> Syntax:
        """Give the body."""
        return parts[0]  # type: ignore[no-any-return]

    def new_line_or_comment(self, _parts: Sequence[Part]) -> None:
        """Leave blanks out."""

    def body(self, parts: Sequence[Part]) -> Syntax:
        """Give attributes and blocks."""
        found = _nodes(parts)
        return Syntax("body", found[0].start if found else 0, found[-1].end if found else 0, tuple(found))

    def attribute(self, parts: Sequence[Part]) -> Syntax:
        """Give a name and a value."""
        name, _, value = parts
        return Syntax("attribute", name.start, _end(value), (str(name.parts[-1]), value, name))

    def block(self, parts: Sequence[Part]) -> Syntax:
        """Give a type, labels and a body."""
        there = [part for part in parts if part is not None]
        heads = [part for part in there[:-3] if isinstance(part, Syntax)]
        labels = tuple(_label(head) for head in heads)
        return Syntax("block", heads[0].start, _end(there[-1]), (labels[0], labels[1:], there[-2], heads[-1].end))

    def identifier(self, parts: Sequence[Part]) -> Syntax:
        """Give a name."""
        token = parts[0]
        return Syntax("name", token.start_pos, token.end_pos, (str(token),))

    keyword = identifier

    def literal_value(self, parts: Sequence[Part]) -> Syntax:
        """Give true, false or null."""
        token = parts[0]
        value = {"true": True, "false": False, "null": None}[str(token)]
        return Syntax("literal", token.start_pos, token.end_pos, (value, str(token)))

    def int_lit(self, parts: Sequence[Part]) -> Syntax:
        """Give a whole number; one of absurd length stays text."""
        token = parts[0]
        text = str(token)
        value = int(text) if len(text) <= 40 else text  # noqa: PLR2004  (no size of anything is longer)
        return Syntax("literal", token.start_pos, token.end_pos, (value, text))

    def float_lit(self, parts: Sequence[Part]) -> Syntax:
        """Give a decimal number."""
        token = parts[0]
        return Syntax("literal", token.start_pos, token.end_pos, (float(str(token)), str(token)))

    def string_part(self, parts: Sequence[Part]) -> Part:
        """Give a piece of a text."""
        return parts[0]

    def interpolation(self, parts: Sequence[Part]) -> Syntax:
        """Give `${…}`."""
        return _whole("interpolation", parts, (parts[1],))

    def string(self, parts: Sequence[Part]) -> Syntax:
        """Give a text with its interpolations and directives."""
        pieces = tuple(part if isinstance(part, Syntax) else str(part) for part in parts[1:-1])
        return Syntax("template", parts[0].start_pos, parts[-1].end_pos, pieces)

    def template_string(self, parts: Sequence[Part]) -> Syntax:
        """Give a text inside of a directive."""
        token = parts[0]
        return Syntax("template", token.start_pos, token.end_pos, (str(token)[2:-2],))

    def template_if_start(self, parts: Sequence[Part]) -> Syntax:
        """Give `%{ if … }`."""
        return _whole("if", parts, (_nodes(parts)[0], *_flags(parts)))

    def template_else(self, parts: Sequence[Part]) -> Syntax:
        """Give `%{ else }`."""
        return _whole("else", parts, _flags(parts))

    def template_endif(self, parts: Sequence[Part]) -> Syntax:
        """Give `%{ endif }`."""
        return _whole("endif", parts, _flags(parts))

    def template_for_start(self, parts: Sequence[Part]) -> Syntax:
        """Give `%{ for … in … }`."""
        *names, collection = _nodes(parts)
        return _whole("for", parts, (tuple(str(name.parts[0]) for name in names), collection, *_flags(parts)))

    def template_endfor(self, parts: Sequence[Part]) -> Syntax:
        """Give `%{ endfor }`."""
        return _whole("endfor", parts, _flags(parts))

    def expr_term(self, parts: Sequence[Part]) -> Part:
        """Give the term; parentheses widen its place."""
        return parts[0] if len(parts) == 1 else _whole("parentheses", parts, (_nodes(parts)[0],))

    def conditional(self, parts: Sequence[Part]) -> Syntax:
        """Give condition, then, else."""
        return _whole("conditional", _nodes(parts), tuple(_nodes(parts)))

    def binary_operator(self, parts: Sequence[Part]) -> Part:
        """Give the operator's token."""
        return parts[0]

    def binary_term(self, parts: Sequence[Part]) -> Syntax:
        """Give an operator and its right side."""
        there = [part for part in parts if part is not None]
        return Syntax("right", _start(there[0]), _end(there[1]), (str(there[0]).split()[-1], there[1]))

    def binary_op(self, parts: Sequence[Part]) -> Syntax:
        """Give operator, left, right."""
        left, right = _nodes(parts)
        return Syntax("binary", left.start, right.end, (right.parts[0], left, right.parts[1]))

    def unary_op(self, parts: Sequence[Part]) -> Syntax:
        """Give operator and operand."""
        return _whole("unary", parts, (str(parts[0]), parts[1]))

    def tuple(self, parts: Sequence[Part]) -> Syntax:
        """Give the items of a list."""
        return _whole("list", parts, tuple(_nodes(parts)))

    def object_elem_key(self, parts: Sequence[Part]) -> Part:
        """Give the key."""
        return parts[0]

    def object_elem(self, parts: Sequence[Part]) -> Syntax:
        """Give key and value."""
        return _whole("entry", _nodes(parts), tuple(_nodes(parts)))

    def object(self, parts: Sequence[Part]) -> Syntax:
        """Give the entries of a mapping."""
        return _whole("object", parts, tuple(_nodes(parts)))

    def arguments(self, parts: Sequence[Part]) -> Syntax:
        """Give the arguments, and whether the last one is spread."""
        tokens = [part for part in parts if part is not None and not isinstance(part, Syntax)]
        spread = any(token.type == "ELLIPSIS" for token in tokens)
        return _whole("arguments", parts, (tuple(_nodes(parts)), spread))

    def function_call(self, parts: Sequence[Part]) -> Syntax:
        """Give the function's name, its arguments, and whether the last one is spread."""
        names = [str(node.parts[0]) for node in _nodes(parts) if node.kind == "name"]
        arguments = next((node.parts for node in _nodes(parts) if node.kind == "arguments"), ((), False))
        return _whole("call", parts, ("::".join(names), *arguments))

    def index_expr_term(self, parts: Sequence[Part]) -> Syntax:
        """Give `term[index]`."""
        return _whole("index", parts, (parts[0], parts[1].parts[0]))

    def braces_index(self, parts: Sequence[Part]) -> Syntax:
        """Give `[index]`."""
        return _whole("step", parts, (_nodes(parts)[0],))

    def short_index(self, parts: Sequence[Part]) -> Syntax:
        """Give `.0`."""
        token = parts[1]
        index = Syntax("literal", token.start_pos, token.end_pos, (int(str(token)), str(token)))
        return _whole("step", parts, (index,))

    def get_attr(self, parts: Sequence[Part]) -> Syntax:
        """Give `.name`."""
        name = parts[1]
        text = str(name.parts[-1])
        return _whole("step", parts, (Syntax("literal", name.start, name.end, (text, text)),))

    def get_attr_expr_term(self, parts: Sequence[Part]) -> Syntax:
        """Give `term.name`."""
        return _whole("attr", parts, (parts[0], parts[1].parts[0].parts[0]))

    def attr_splat(self, parts: Sequence[Part]) -> Syntax:
        """Give the steps behind `.*` or `[*]`."""
        return _whole("steps", parts, tuple(_nodes(parts[1:])))

    full_splat = attr_splat

    def attr_splat_expr_term(self, parts: Sequence[Part]) -> Syntax:
        """Give `term.*.name` or `term[*].name`."""
        return _whole("splat", parts, (parts[0], parts[1].parts))

    full_splat_expr_term = attr_splat_expr_term

    def for_intro(self, parts: Sequence[Part]) -> Syntax:
        """Give `for k, v in collection`."""
        *names, collection = _nodes(parts)
        return _whole("intro", parts, (tuple(str(name.parts[0]) for name in names), collection))

    def for_cond(self, parts: Sequence[Part]) -> Syntax:
        """Give `if condition`."""
        return _whole("filter", parts, (_nodes(parts)[0],))

    def for_tuple_expr(self, parts: Sequence[Part]) -> Syntax:
        """Give `[for … : value if …]`."""
        intro, value, *rest = _nodes(parts)
        return _whole("for_list", parts, (*intro.parts, value, rest[0].parts[0] if rest else None))

    def for_object_expr(self, parts: Sequence[Part]) -> Syntax:
        """Give `{for … : key => value… if …}`."""
        intro, key, value, *rest = _nodes(parts)
        tokens = [part for part in parts if part is not None and not isinstance(part, Syntax)]
        grouped = any(token.type == "ELLIPSIS" for token in tokens)
        condition = rest[0].parts[0] if rest else None
        return _whole("for_object", parts, (*intro.parts, key, value, condition, grouped))


def _label(head: Syntax) -> str:
    if head.kind == "template":
        return "".join(part for part in head.parts if isinstance(part, str))
    return str(head.parts[-1])


def cache_folder() -> Path | None:
    """Give the user's own cache folder for mlguard, made if need be; None where there is none to trust."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA", "")
    elif sys.platform == "darwin":
        base = str(Path("~/Library/Caches").expanduser())
    else:
        base = os.environ.get("XDG_CACHE_HOME", "") or str(Path("~/.cache").expanduser())
    if not base or base.startswith("~"):
        return None
    folder = Path(base) / "mlguard"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.lstat()
    except OSError:
        return None
    own = not hasattr(os, "getuid") or (status.st_uid == os.getuid() and not status.st_mode & 0o022)
    return folder if own and stat.S_ISDIR(status.st_mode) and os.access(folder, os.W_OK) else None


@cache
def fast_parse() -> Parse:
    """Give the parser that builds the tree while it parses; raises whatever an unknown python-hcl2 raises."""
    import hcl2  # noqa: PLC0415  (the parser is loaded when the first block must be parsed)
    from hcl2.postlexer import PostLexer  # noqa: PLC0415
    from lark import Lark, __version__  # noqa: PLC0415

    grammar = Path(hcl2.__file__).parent / "hcl2.lark"
    folder = cache_folder()
    version = f"{sys.version_info.major}{sys.version_info.minor}-{__version__}"
    lark = Lark.open(
        str(grammar),
        parser="lalr",
        postlex=PostLexer(),
        transformer=Builder(),
        propagate_positions=False,
        cache=str(folder / f"hcl2-{version}.grammar") if folder is not None else False,
    )

    def parse(text: str) -> Syntax:
        return lark.parse(text + "\n")  # type: ignore[return-value]

    check = parse('a = x ? "${b}" : 1\n')
    if check.kind != "body" or check.parts[0].parts[1].kind != "conditional":
        raise RuntimeError("the grammar of python-hcl2 has another shape")
    return parse


@cache
def public_parse() -> Parse:
    """Give the parser over python-hcl2's public tree: slower, the same result."""
    import hcl2  # noqa: PLC0415
    from lark import Transformer  # noqa: PLC0415

    class Adapter(Transformer[Any, Any]):
        def __init__(self) -> None:
            super().__init__(visit_tokens=False)
            self._builder = Builder()

        def __getattr__(self, name: str) -> object:
            return getattr(self._builder, name)

    def parse(text: str) -> Syntax:
        return Adapter().transform(hcl2.parses_to_tree(text + "\n"))  # type: ignore[no-any-return]

    return parse


@cache
def _parser() -> Parse:
    try:
        return fast_parse()
    except Exception:  # noqa: BLE001  (whatever a newer python-hcl2 does, its public function is left)
        return public_parse()


def parse_part(document: Document, text: str, start: int) -> Syntax:
    """Parse a part of a document that begins at the offset `start`; ParseError with the line where that fails."""
    try:
        return shifted(_parser()(text), start)
    except RecursionError:
        at = document.span(start, start)
        raise ParseError("nested too deeply", at.path, at.line, at.column) from None
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in ("lark", "hcl2"):
            raise
        offset = getattr(error, "pos_in_stream", None)
        offset = offset if isinstance(offset, int) and 0 <= offset < len(text) else 0
        at = document.span(start + offset, start + offset)
        unexpected = text[offset : offset + 20].partition("\n")[0].strip()
        what = f' at "{unexpected}"' if unexpected else ""
        raise ParseError(f"not valid HCL{what}", at.path, at.line, at.column) from None


def shifted(syntax: Syntax, by: int) -> Syntax:
    """Move a tree by an offset, without recursion: trees may be deep."""
    if not by:
        return syntax
    made: dict[int, Syntax] = {}
    stack: list[tuple[Syntax, bool]] = [(syntax, False)]
    while stack:
        node, ready = stack.pop()
        if not ready:
            stack.append((node, True))
            stack.extend((part, False) for part in _below(node.parts))
        else:
            made[id(node)] = Syntax(node.kind, node.start + by, node.end + by, _moved(node.parts, made))
    return made[id(syntax)]


def _below(parts: tuple[Any, ...]) -> list[Syntax]:
    found = []
    for part in parts:
        if isinstance(part, Syntax):
            found.append(part)
        elif isinstance(part, tuple):
            found.extend(one for one in part if isinstance(one, Syntax))
    return found


def _moved(parts: tuple[Any, ...], made: dict[int, Syntax]) -> tuple[Any, ...]:
    moved: list[Any] = []
    for part in parts:
        if isinstance(part, Syntax):
            moved.append(made[id(part)])
        elif isinstance(part, tuple):
            moved.append(tuple(made[id(one)] if isinstance(one, Syntax) else one for one in part))
        else:
            moved.append(part)
    return tuple(moved)
