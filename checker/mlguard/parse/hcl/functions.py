"""Terraform's pure functions. What depends on the clock, on chance or on the machine is unknown."""

from __future__ import annotations

import base64
import binascii
import hashlib
import itertools
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote_plus

from mlguard.parse.hcl.conversion import (
    MAX_ITEMS,
    MAX_NODES,
    MAX_TEXT,
    CannotKnowError,
    InvalidError,
    SetItems,
    as_number,
    as_text,
    as_truth,
    from_plain,
    known,
    unknown_of,
)
from mlguard.patterns import MAX_SUBJECT, compile_safely
from mlguard.scenario import Scenario
from mlguard.source import Span
from mlguard.value import Entries, Items, Node, Reference, Unknown, settle, text_of

Arguments = Sequence[Node]
Structural = Callable[[Arguments, Span, Scenario], Node]
_FORMAT = re.compile(r"%(?P<flags>[-+ 0#]*)(?P<width>\d{0,4})(?:\.(?P<precision>\d{1,3}))?(?P<verb>[svdqtfgbxXe%])")
_TIME_OR_CHANCE = ("timestamp", "uuid", "uuidv5", "bcrypt", "plantimestamp", "rsadecrypt", "nonsensitive_random")


def call(name: str, arguments: Arguments, at: Span, scenario: Scenario) -> Node:
    """Call a function by name; an unknown argument makes the result unknown unless the rest decides it.

    Raises InvalidError where Terraform would refuse the call, CannotKnowError where only the deployment decides.
    """
    name = name.removeprefix("core::")
    structural = STRUCTURAL.get(name)
    if structural is not None:
        return structural(arguments, at, scenario)
    plain = PLAIN.get(name)
    if plain is None:
        because = (
            "is only known at deployment" if name in _TIME_OR_CHANCE or "::" in name else "is not known to mlguard"
        )
        raise CannotKnowError(Unknown(f"{name}() {because}"))
    values = [known(argument, scenario) for argument in arguments]
    try:
        return from_plain(plain(*values), at)
    except (
        TypeError,
        ValueError,
        AttributeError,
        IndexError,
        KeyError,
        OverflowError,
        RecursionError,
        re.error,
    ) as error:
        raise InvalidError(f"{name}() cannot work with these arguments") from error


def _content(node: Node, scenario: Scenario) -> Any:  # noqa: ANN401  (any content, told apart by its type)
    return settle(node, scenario).content


def _merge(arguments: Arguments, at: Span, scenario: Scenario) -> Node:
    nodes: dict[str, Node] = {}
    rest: Unknown | None = None
    for argument in arguments:
        content = _content(argument, scenario)
        if content is None:
            continue
        if isinstance(content, Unknown | Reference):
            # it may override whatever came before it
            rest = unknown_of(settle(argument, scenario))
            nodes = {key: Node(rest, node.span, node.key_span) for key, node in nodes.items()}
        elif isinstance(content, Entries):
            nodes |= content.nodes
            rest = rest or content.rest
        else:
            raise InvalidError("merge() takes mappings")
    return Node(Entries(nodes, rest), at)


def _concat(arguments: Arguments, at: Span, scenario: Scenario) -> Node:
    nodes: list[Node] = []
    rest: Unknown | None = None
    for argument in arguments:
        content = _content(argument, scenario)
        if isinstance(content, Items):
            nodes.extend(content.nodes)
            rest = rest or content.rest
        else:
            rest = rest or unknown_of(settle(argument, scenario))
        if len(nodes) > MAX_ITEMS:
            raise CannotKnowError(Unknown(f"a list of more than {MAX_ITEMS:,} items"))
    return Node(Items(tuple(nodes), rest), at)


def _lookup(arguments: Arguments, at: Span, scenario: Scenario) -> Node:
    mapping = _content(arguments[0], scenario)
    key = text_of(_content(arguments[1], scenario))
    if not isinstance(mapping, Entries):
        return Node(unknown_of(settle(arguments[0], scenario)), at)
    if key is None:
        return Node(unknown_of(settle(arguments[1], scenario)), at)
    if key in mapping.nodes:
        return settle(mapping.nodes[key], scenario)
    if mapping.rest is not None:
        return Node(mapping.rest, at)
    if len(arguments) > 2:  # noqa: PLR2004  (the third is the default)
        return settle(arguments[2], scenario)
    raise InvalidError(f'there is no key "{key}"')


def _length(arguments: Arguments, at: Span, scenario: Scenario) -> Node:
    content = _content(arguments[0], scenario)
    if isinstance(content, Entries | Items):
        return Node(content.rest or len(content.nodes), at)
    if isinstance(content, str):
        return Node(len(content), at)
    return Node(unknown_of(settle(arguments[0], scenario)), at)


def _keys(arguments: Arguments, at: Span, scenario: Scenario) -> Node:
    content = _content(arguments[0], scenario)
    if not isinstance(content, Entries):
        return Node(unknown_of(settle(arguments[0], scenario)), at)
    return Node(Items(tuple(Node(key, at) for key in sorted(content.nodes)), content.rest), at)


def _values(arguments: Arguments, at: Span, scenario: Scenario) -> Node:
    content = _content(arguments[0], scenario)
    if not isinstance(content, Entries):
        return Node(unknown_of(settle(arguments[0], scenario)), at)
    return Node(Items(tuple(content.nodes[key] for key in sorted(content.nodes)), content.rest), at)


def _element(arguments: Arguments, at: Span, scenario: Scenario) -> Node:
    content = _content(arguments[0], scenario)
    if not isinstance(content, Items) or content.rest is not None:
        return Node(unknown_of(settle(arguments[0], scenario)), at)
    index = int(as_number(known(arguments[1], scenario)))
    if not content.nodes:
        raise InvalidError("element() of an empty list")
    return settle(content.nodes[index % len(content.nodes)], scenario)


def _flatten(arguments: Arguments, at: Span, scenario: Scenario) -> Node:
    nodes: list[Node] = []
    rest: Unknown | None = None
    stack = [arguments[0]]
    steps = 0
    while stack:
        steps += 1
        if steps > MAX_ITEMS:
            raise CannotKnowError(Unknown(f"a list of more than {MAX_ITEMS:,} items"))
        node = settle(stack.pop(), scenario)
        if isinstance(node.content, Items):
            stack.extend(reversed(node.content.nodes))
            rest = rest or node.content.rest
        elif node is not arguments[0]:
            nodes.append(node)
    content = _content(arguments[0], scenario)
    if not isinstance(content, Items):
        return Node(unknown_of(settle(arguments[0], scenario)), at)
    if any(isinstance(node.content, Unknown) for node in nodes):  # an unknown item may be a list itself
        rest = rest or Unknown("an item of it is not known")
    return Node(Items(tuple(nodes), rest), at)


def _coalesce(arguments: Arguments, at: Span, scenario: Scenario) -> Node:
    for argument in arguments:
        node = settle(argument, scenario)
        if isinstance(node.content, Unknown):
            return Node(node.content, at)
        if node.content is not None and node.content != "":
            return node
    raise InvalidError("coalesce() found nothing")


def _coalescelist(arguments: Arguments, at: Span, scenario: Scenario) -> Node:
    for argument in arguments:
        node = settle(argument, scenario)
        if not isinstance(node.content, Items) or (not node.content.nodes and node.content.rest):
            return Node(unknown_of(node), at)
        if node.content.nodes:
            return node
    raise InvalidError("coalescelist() found nothing")


def _to_set(arguments: Arguments, at: Span, scenario: Scenario) -> Node:
    content = _content(arguments[0], scenario)
    if not isinstance(content, Items):
        return Node(unknown_of(settle(arguments[0], scenario)), at)
    kept: dict[str, Node] = {}
    rest = content.rest
    for item in content.nodes:
        node = settle(item, scenario)
        text = text_of(node.content)
        if text is None:
            rest = rest or unknown_of(node)
        else:
            kept.setdefault(text, node)
    return Node(SetItems(tuple(kept[key] for key in sorted(kept)), rest), at)


def _same(arguments: Arguments, _at: Span, scenario: Scenario) -> Node:
    return settle(arguments[0], scenario)


def _to_list(arguments: Arguments, at: Span, scenario: Scenario) -> Node:
    node = settle(arguments[0], scenario)
    if isinstance(node.content, SetItems):
        return Node(Items(node.content.nodes, node.content.rest), at)
    return node


def _to_text(arguments: Arguments, _at: Span, scenario: Scenario) -> Node:
    node = settle(arguments[0], scenario)
    text = text_of(node.content)
    return node if text is None else Node(text, node.span, node.key_span, node.origins)


def _join(arguments: Arguments, at: Span, scenario: Scenario) -> Node:
    separator = as_text(known(arguments[0], scenario))
    nodes: list[Node] = []
    for argument in arguments[1:]:
        content = _content(argument, scenario)
        if not isinstance(content, Items) or content.rest is not None:
            return Node(unknown_of(settle(argument, scenario)), at)
        nodes.extend(content.nodes)
    return joined(nodes, separator, at, scenario)


def joined(nodes: Iterable[Node], separator: str, at: Span, scenario: Scenario) -> Node:
    """Write nodes into one text; with unknown parts the result is an Unknown that knows the others."""
    pieces: list[str] = []
    because = ""
    references: list[Reference] = []
    for node in nodes:
        settled = settle(node, scenario)
        text = text_of(settled.content)
        if text is None:
            if settled.content is None or isinstance(settled.content, Entries | Items):
                raise InvalidError("a text is wanted here")
            unknown = unknown_of(settled)
            because = because or unknown.because
            references.extend(unknown.references)
            text = unknown.pattern
        pieces.append(text)
    text = separator.join(pieces)
    if len(text) > MAX_TEXT:
        return Node(Unknown(f"a text of more than {MAX_TEXT:,} characters"), at)
    return Node(Unknown(because, text, tuple(references)) if because else text, at)


def _json_encode(arguments: Arguments, at: Span, scenario: Scenario) -> Node:
    """Encode as JSON; unknown parts become `*` in the pattern of an Unknown, so that the rest can still be read."""
    missing: list[Unknown] = []
    value = _partly(arguments[0], scenario, missing, [MAX_NODES], 0)
    text = json.dumps(value, separators=(",", ":"), sort_keys=True)
    text = text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    if len(text) > MAX_TEXT:
        return Node(Unknown(f"a text of more than {MAX_TEXT:,} characters"), at)
    if not missing:
        return Node(text, at)
    references = tuple(reference for unknown in missing for reference in unknown.references)
    return Node(Unknown(missing[0].because, text, references), at)


def _partly(node: Node, scenario: Scenario, missing: list[Unknown], budget: list[int], depth: int) -> object:
    settled = settle(node, scenario)
    content = settled.content
    budget[0] -= 1
    if budget[0] < 0:
        raise CannotKnowError(Unknown("a value of very many parts"))
    if depth > 60 or isinstance(content, Unknown | Reference):  # noqa: PLR2004  (deeper is no policy document)
        unknown = unknown_of(settled)
        missing.append(unknown)
        return unknown.pattern
    if isinstance(content, Entries):
        if content.rest is not None:
            missing.append(content.rest)
        return {key: _partly(value, scenario, missing, budget, depth + 1) for key, value in content.nodes.items()}
    if isinstance(content, Items):
        if content.rest is not None:
            missing.append(content.rest)
        return [_partly(value, scenario, missing, budget, depth + 1) for value in content.nodes]
    return content


def _contains(arguments: Arguments, at: Span, scenario: Scenario) -> Node:
    content = _content(arguments[0], scenario)
    wanted = known(arguments[1], scenario)
    if not isinstance(content, Items):
        return Node(unknown_of(settle(arguments[0], scenario)), at)
    open_ended = content.rest
    for item in content.nodes:
        try:
            if known(item, scenario) == wanted:
                return Node(True, at)  # noqa: FBT003  (a content)
        except CannotKnowError as error:
            open_ended = open_ended or error.unknown
    return Node(open_ended or False, at)


def _compact(arguments: Arguments, at: Span, scenario: Scenario) -> Node:
    content = _content(arguments[0], scenario)
    if not isinstance(content, Items):
        return Node(unknown_of(settle(arguments[0], scenario)), at)
    kept = [item for item in content.nodes if _content(item, scenario) not in (None, "")]
    return Node(Items(tuple(kept), content.rest), at)


def _one(arguments: Arguments, at: Span, scenario: Scenario) -> Node:
    content = _content(arguments[0], scenario)
    if not isinstance(content, Items) or content.rest is not None:
        return Node(unknown_of(settle(arguments[0], scenario)), at)
    if len(content.nodes) > 1:
        raise InvalidError("one() of several items")
    return settle(content.nodes[0], scenario) if content.nodes else Node(None, at)


def _zip_map(arguments: Arguments, at: Span, scenario: Scenario) -> Node:
    names = known(arguments[0], scenario)
    values = _content(arguments[1], scenario)
    if not isinstance(values, Items) or values.rest is not None or not isinstance(names, list):
        return Node(unknown_of(settle(arguments[1], scenario)), at)
    return Node(Entries({str(name): value for name, value in zip(names, values.nodes, strict=False)}), at)


def _base64_encode(arguments: Arguments, at: Span, scenario: Scenario) -> Node:
    node = settle(arguments[0], scenario)
    text = text_of(node.content)
    if text is None:
        raise CannotKnowError(Unknown(unknown_of(node).because))
    encoded = base64.b64encode(text.encode("utf-8", "surrogatepass")).decode("ascii")
    return Node(encoded, at, None, node.origins)


STRUCTURAL: Mapping[str, Structural] = {
    "merge": _merge, "concat": _concat, "lookup": _lookup, "length": _length, "keys": _keys, "values": _values,
    "element": _element, "flatten": _flatten, "coalesce": _coalesce, "coalescelist": _coalescelist, "toset": _to_set,
    "tolist": _to_list, "tomap": _same, "tostring": _to_text, "sensitive": _same, "nonsensitive": _same,
    "join": _join, "jsonencode": _json_encode, "contains": _contains, "compact": _compact, "one": _one,
    "zipmap": _zip_map, "base64encode": _base64_encode, "ephemeralasnull": _same,
}  # fmt: skip


def _range(*bounds: float) -> list[float]:
    start, limit, step = (0, bounds[0], 1) if len(bounds) == 1 else (*bounds, 1)[:3]
    if step == 0 or abs((limit - start) / step) > MAX_ITEMS:
        raise CannotKnowError(Unknown(f"a list of more than {MAX_ITEMS:,} items"))
    found = []
    while (start < limit) if step > 0 else (start > limit):
        found.append(start)
        start += step
    return found


def _set_product(*lists: list[object]) -> list[list[object]]:
    if math.prod(len(one) for one in lists) > MAX_ITEMS:
        raise CannotKnowError(Unknown(f"a list of more than {MAX_ITEMS:,} items"))
    return [list(one) for one in itertools.product(*lists)]


def _pow(base: float, exponent: float) -> float:
    if abs(exponent) > 64 or abs(base) > 1e12:  # noqa: PLR2004  (no size of anything is larger)
        raise CannotKnowError(Unknown("a number beyond all sizes"))
    return float(base**exponent)


def _pattern(pattern: str) -> re.Pattern[str]:
    """Compile a pattern that cannot take long: Terraform's engine is linear, Python's is not."""
    compiled = compile_safely(pattern)
    if compiled is None:
        raise CannotKnowError(Unknown("its regular expression is not evaluated"))
    return compiled


def _short(text: str) -> str:
    if len(text) > MAX_SUBJECT:
        raise CannotKnowError(Unknown("a regular expression over a long text is not evaluated"))
    return text


def _replace(text: str, old: str, new: str) -> str:
    if len(text) > 10_000 or len(new) > 10_000:  # noqa: PLR2004
        raise CannotKnowError(Unknown("a long text is replaced"))
    if len(old) > 1 and old.startswith("/") and old.endswith("/"):
        return _pattern(old[1:-1]).sub(re.sub(r"\$(\d)", r"\\\1", new), _short(text))
    return text.replace(old, new)


def _regex(pattern: str, text: str) -> object:
    match = _pattern(pattern).search(_short(text))
    if match is None:
        raise ValueError
    return match.groupdict() or list(match.groups()) or match.group()


def _regex_all(pattern: str, text: str) -> object:
    compiled = _pattern(pattern)
    return [list(match.groups()) or match.group() for match in compiled.finditer(_short(text))]


def _format(template: str, *values: object) -> str:
    left = list(values)

    def fill(match: re.Match[str]) -> str:
        if match["verb"] == "%":
            return "%"
        value = left.pop(0)
        text = _verb(match["verb"], match["precision"], value)
        width = int(match["width"] or 0)
        if "-" in match["flags"]:
            return text.ljust(width)
        return text.rjust(width, "0" if "0" in match["flags"] else " ")

    return _FORMAT.sub(fill, template)


def _verb(verb: str, precision: str | None, value: object) -> str:
    if verb in "dbxX":
        number = int(as_number(value))
        return str(number) if verb == "d" else format(number, verb)
    if verb in "fge":
        return f"{float(as_number(value)):.{precision or 6}{verb}}"
    if verb == "q" or (verb == "v" and not isinstance(value, str)):
        return json.dumps(value, separators=(",", ":"))
    return as_text(value)  # type: ignore[arg-type]


def _distinct(values: list[object]) -> list[object]:
    found: list[object] = []
    for value in values:
        if value not in found:
            found.append(value)
    return found


def _substr(text: str, offset: int, length: int) -> str:
    start = offset if offset >= 0 else max(len(text) + offset, 0)
    return text[start:] if length < 0 else text[start : start + length]


def _transpose(mapping: dict[str, list[str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for key in sorted(mapping):
        for value in mapping[key]:
            found.setdefault(value, []).append(key)
    return found


def _indent(spaces: int, text: str) -> str:
    if not 0 <= spaces <= 100:  # noqa: PLR2004
        raise ValueError
    return text.replace("\n", "\n" + " " * spaces)


def _base64_decode(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode("utf-8")
    except binascii.Error as error:
        raise ValueError from error


def _truths(values: list[object]) -> list[bool]:
    return [value in (True, "true") for value in values]


def _numbers(values: list[object]) -> list[int | float]:
    return [as_number(value) for value in values]


def _text_split(separator: str, text: str) -> list[str]:
    return text.split(separator) if separator else list(text)


def _format_list(template: str, *lists: list[object]) -> list[str]:
    rows = max((len(one) for one in lists if isinstance(one, list)), default=0)
    spread = [one if isinstance(one, list) else [one] * rows for one in lists]
    return [_format(template, *row) for row in zip(*spread, strict=True)]


def _chunks(values: list[object], size: int) -> list[list[object]]:
    return [values[start : start + size] for start in range(0, len(values), max(size, 1))]


def _match_keys(values: list[object], keys: list[object], wanted: list[object]) -> list[object]:
    return [value for value, key in zip(values, keys, strict=True) if key in wanted]


def _to_number(value: object) -> int | float | None:
    return None if value is None else as_number(value)


def _to_bool(value: object) -> bool | None:
    return None if value is None else as_truth(value)


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _sha1(text: str) -> str:
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def _dirname(path: str) -> str:
    return path.rstrip("/").rsplit("/", 1)[0] if "/" in path.rstrip("/") else "."


def _not_evaluated(name: str) -> Callable[..., object]:
    def refuse(*_arguments: object) -> object:
        raise CannotKnowError(Unknown(f"{name}() is not evaluated"))

    return refuse


PLAIN: dict[str, Callable[..., object]] = {
    "abs": lambda x: abs(as_number(x)), "ceil": lambda x: math.ceil(as_number(x)),
    "floor": lambda x: math.floor(as_number(x)), "max": lambda *x: max(_numbers(list(x))),
    "min": lambda *x: min(_numbers(list(x))), "signum": lambda x: (x > 0) - (x < 0), "pow": _pow, "log": math.log,
    "parseint": int, "sum": lambda values: sum(_numbers(values)), "range": _range, "tonumber": _to_number,
    "tobool": _to_bool, "upper": str.upper, "lower": str.lower, "title": str.title, "trimspace": str.strip,
    "trim": str.strip, "trimprefix": str.removeprefix, "trimsuffix": str.removesuffix,
    "chomp": lambda text: text.rstrip("\r\n"), "split": _text_split, "replace": _replace, "substr": _substr,
    "strrev": lambda text: text[::-1], "startswith": str.startswith, "endswith": str.endswith,
    "strcontains": lambda text, part: part in text, "format": _format, "formatlist": _format_list, "indent": _indent,
    "regex": _regex, "regexall": _regex_all, "reverse": lambda values: values[::-1], "sort": sorted,
    "distinct": _distinct, "slice": lambda values, start, end: values[start:end], "chunklist": _chunks,
    "index": lambda values, value: values.index(value), "setproduct": _set_product, "transpose": _transpose,
    "setunion": lambda *sets: set(itertools.chain(*sets)), "matchkeys": _match_keys,
    "setintersection": lambda *sets: set.intersection(*(set(one) for one in sets)),
    "setsubtract": lambda one, other: set(one) - set(other), "alltrue": lambda values: all(_truths(values)),
    "anytrue": lambda values: any(_truths(values)), "jsondecode": json.loads, "base64decode": _base64_decode,
    "md5": _md5, "sha1": _sha1, "sha256": lambda text: hashlib.sha256(text.encode()).hexdigest(),
    "basename": lambda path: path.rstrip("/").rsplit("/", 1)[-1], "dirname": _dirname, "urlencode": quote_plus,
}  # fmt: skip
PLAIN |= {name: _not_evaluated(name) for name in ("abspath", "pathexpand", "cidrhost", "cidrsubnet", "cidrsubnets")}
