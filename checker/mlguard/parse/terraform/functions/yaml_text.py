"""YAML, read and written as Terraform does: a mix of YAML 1.1 and 1.2 with types of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

import yaml

from mlguard.parse.terraform.failure import FailureError, NotEvaluatedError
from mlguard.parse.terraform.functions.signature import Call, Function, Run, function, known
from mlguard.parse.terraform.precision import parsed
from mlguard.parse.terraform.values import MAX_DEPTH, MAX_WEIGHT, bounded_text, is_known, text
from mlguard.value import Content, Entries, Items, Node

_MAX_SOURCE = 200_000
_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_DUMPER = getattr(yaml, "CDumper", None)
_SHORT = 30
"""Texts up to this length are never folded; the two emitters of PyYAML fold longer ones differently."""
_TAG = "tag:yaml.org,2002:"
_TRUE = frozenset(["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"])
_FALSE = frozenset(["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"])
_NULL = frozenset(("", "~", "null", "Null", "NULL"))
_INFINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?", re.ASCII)
_OTHER_BASE = re.compile(r"0x([0-9a-fA-F]+)|0o([0-7]+)")
_DATE = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})", re.ASCII)
_MOMENT = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[Tt](\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.\d+)?(Z|[+-]\d\d:\d\d)"
    r"| (\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.\d+)?)",
    re.ASCII,
)
_MERGE = "<<"


class _Reader:
    """Turns the events of a YAML document into plain values; aliases are spelled out, up to a limit."""

    def __init__(self, subject: str) -> None:
        self.events: Iterator[yaml.Event] = yaml.parse(subject, Loader=_LOADER)
        self.anchors: dict[str, tuple[object, int]] = {}
        self.weight = 0

    def document(self) -> object:
        """Read the one document that there must be."""
        event = next(self.events)
        while isinstance(event, yaml.StreamStartEvent | yaml.DocumentStartEvent):
            if isinstance(event, yaml.DocumentStartEvent) and event.version not in (None, (1, 1)):
                raise FailureError("the YAML is of another version")
            event = next(self.events)
        if isinstance(event, yaml.StreamEndEvent):
            raise FailureError("the YAML is empty")
        found = self._value(event, 0)
        if any(isinstance(event, yaml.DocumentStartEvent) for event in self.events):
            raise FailureError("the YAML has several documents")
        return found

    def _value(self, event: yaml.Event, depth: int) -> object:
        if depth > MAX_DEPTH:
            raise NotEvaluatedError("the YAML is nested too deeply")
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self.anchors:
                raise FailureError("the YAML has an alias without an anchor before it")
            found, size = self.anchors[event.anchor]
            self._weigh(size)
            return found
        before = self.weight
        self._weigh(1)
        found = self._plain(event, depth)
        anchor: str | None = getattr(event, "anchor", None)
        if anchor is not None:
            self.anchors[anchor] = (found, self.weight - before)
        return found

    def _weigh(self, parts: int) -> None:
        self.weight += parts
        if self.weight > MAX_WEIGHT:
            raise NotEvaluatedError(f"the YAML stands for more than {MAX_WEIGHT:,} values")

    def _plain(self, event: yaml.Event, depth: int) -> object:
        if isinstance(event, yaml.ScalarEvent):
            return _scalar(event)
        if isinstance(event, yaml.SequenceStartEvent):
            _check_tag(event.tag, "seq")
            items = []
            while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
                items.append(self._value(event, depth + 1))
            return items
        if isinstance(event, yaml.MappingStartEvent):
            _check_tag(event.tag, "map")
            return self._mapping(depth)
        raise FailureError("not valid YAML")

    def _mapping(self, depth: int) -> dict[str, object]:
        found: dict[str, object] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            merges = isinstance(event, yaml.ScalarEvent) and event.value == _MERGE and not event.style
            key = self._value(event, depth + 1)
            value = self._value(next(self.events), depth + 1)
            if not merges:
                found[_key(key)] = value
            elif isinstance(value, dict):
                found.update(value)
            else:
                raise FailureError("the YAML merges what is no mapping")
        return found


def _key(value: object) -> str:
    if value is None or not isinstance(value, str | int | float):
        raise FailureError("the YAML has a key that is no text")
    return text(value)


def _check_tag(tag: str | None, kind: str) -> None:
    if tag not in (None, "!", _TAG + kind):
        raise FailureError("the YAML has a tag that Terraform does not know")


def _scalar(event: yaml.ScalarEvent) -> object:
    """Give what a scalar stands for; only one without quotes may be something else than a text."""
    value = event.value
    if event.tag is None or event.tag == "!":
        return _resolved(value) if not event.style and event.tag is None else value
    kind = event.tag.removeprefix(_TAG)
    if kind in ("str", "binary"):
        return value
    if kind == "null":
        return None
    found = _resolved(value)
    fits = {"bool": isinstance(found, bool), "timestamp": isinstance(found, str)}
    number = isinstance(found, int | float) and not isinstance(found, bool)
    if not fits.get(kind, number and kind in ("int", "float")):
        raise FailureError("the YAML has a value that does not fit its tag")
    return found


def _resolved(value: str) -> object:
    if value in _NULL:
        return None
    if value in _TRUE or value in _FALSE:
        return value in _TRUE
    if _INFINITE.fullmatch(value):
        raise FailureError("the YAML has a number that is infinite, or none")
    if _NUMBER.fullmatch(value):
        return parsed(value)
    other = _OTHER_BASE.fullmatch(value)
    if other is not None:
        return int(other[1], 16) if other[1] else int(other[2], 8)
    return _moment(value) if value[4:5] == "-" else value


def _moment(value: str) -> str:
    match = _DATE.fullmatch(value) or _MOMENT.fullmatch(value)
    if match is None:
        return value
    parts = [int(part) for part in match.groups() if part and part.isdecimal()]
    try:
        moment = datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001  (the zone is written behind it)
    except ValueError:
        return value
    zone = match[7] if match.re is _MOMENT and match[7] else "Z"
    return f"{moment.year:04}-{moment:%m-%dT%H:%M:%S}{zone}"


def _yamldecode(subject: str) -> object:
    if len(subject) > _MAX_SOURCE:
        raise NotEvaluatedError(f"YAML of more than {_MAX_SOURCE:,} characters")
    try:
        return _Reader(subject).document()
    except (yaml.YAMLError, StopIteration, ValueError):
        raise FailureError("not valid YAML") from None


def _yamlencode(call: Call) -> Content:
    if not is_known(call[0]):
        return call.hidden()
    events: list[yaml.Event] = [yaml.StreamStartEvent(), yaml.DocumentStartEvent(explicit=False)]
    _events(call[0], events, 0)
    events += (yaml.DocumentEndEvent(explicit=False), yaml.StreamEndEvent())
    if _DUMPER is None and any(isinstance(event, yaml.ScalarEvent) and len(event.value) > _SHORT for event in events):
        raise NotEvaluatedError("long texts are written by a library that is not here")
    shown: str = yaml.emit(events, Dumper=_DUMPER or yaml.Dumper, allow_unicode=True)
    bare = not isinstance(call[0].content, str | Entries | Items)
    return bounded_text(shown.removesuffix("...\n") + ("...\n" if bare else ""))


def _events(node: Node, events: list[yaml.Event], depth: int) -> None:
    """Give the events that write a value: keys and texts in quotes, texts of several lines as blocks."""
    content = node.content
    if depth > MAX_DEPTH:
        raise NotEvaluatedError(f"the value is nested more than {MAX_DEPTH} levels deep")
    if isinstance(content, Entries):
        events.append(yaml.MappingStartEvent(None, None, implicit=True, flow_style=False))
        for key in sorted(content.nodes):
            events.append(yaml.ScalarEvent(None, None, (False, True), key, style='"'))
            _events(content.nodes[key], events, depth + 1)
        events.append(yaml.MappingEndEvent())
    elif isinstance(content, Items):
        events.append(yaml.SequenceStartEvent(None, None, implicit=True, flow_style=False))
        for below in content.nodes:
            _events(below, events, depth + 1)
        events.append(yaml.SequenceEndEvent())
    elif isinstance(content, str):
        style = "|" if "\n" in content else '"'
        events.append(yaml.ScalarEvent(None, None, (False, True), content, style=style))
    else:
        shown = "null" if content is None else text(content)
        events.append(yaml.ScalarEvent(None, None, (True, False), shown))


_TABLE: tuple[tuple[str, str, Run], ...] = (
    ("yamldecode", "string -> any", known(_yamldecode)),
    ("yamlencode", "any? -> string", _yamlencode),
)
YAML: dict[str, Function] = {name: function(name, signature, run) for name, signature, run in _TABLE}
