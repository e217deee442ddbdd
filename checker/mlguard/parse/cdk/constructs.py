"""What an assembly knows of the constructs behind its resources: paths, source lines, acknowledgements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mlguard.parse.traces import Traces
from mlguard.record import field, record, replace
from mlguard.resource import RawResource, Related, Waiver
from mlguard.source import Span

_ACKNOWLEDGED = "aws:cdk:acknowledged-rules"
_NAMESPACE = "mlguard::"
_NESTED_RESOURCE = ".NestedStackResource"
_MOST_RELATED = 3


@record(frozen=False)
class Constructs:
    """The metadata of one stack, by construct path; that of its nested stacks is in it too."""

    traces: Traces
    _entries: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    _by_logical_id: dict[str, list[str]] = field(default_factory=dict)
    _waivers: dict[tuple[str, str], Waiver] = field(default_factory=dict)
    _nested: frozenset[str] | None = None

    def add(self, metadata: Mapping[str, Any]) -> None:
        """Take in a mapping from construct paths to entries, as a manifest or a metadata file holds it."""
        for path, values in metadata.items():
            for value in values if isinstance(values, list) else []:
                if isinstance(value, dict):
                    self._entries.setdefault(path, []).append(value)
                    if value.get("type") == "aws:cdk:logicalId" and isinstance(value.get("data"), str):
                        self._by_logical_id.setdefault(value["data"], []).append(path)

    def describe(self, resource: RawResource, stack: str) -> RawResource:
        """Add to a resource of the stack its construct path, where its author wrote it, and what its author accepts."""
        path = self._path(resource, stack)
        frames = self._frames(path)
        related = tuple(Related(frame, "constructed here") for frame in frames[1 : _MOST_RELATED + 1])
        return replace(
            resource,
            construct=path.strip("/") or resource.construct or resource.address.removeprefix(f"{stack}/"),
            source=frames[0] if frames else None,
            related=(*resource.related, *related),
            waivers=(*resource.waivers, *self._acknowledged(path, resource.name_span)),
        )

    def nested_template(self, path: str, logical_id: str) -> str:
        """Give the file name of the template that a resource in the template at `path` deploys; empty if unknown."""
        name = path.rpartition("/")[2]
        around = next((scope for scope in self._nested_scopes() if self._template(scope) == name), "")
        scope = _nested_scope(self._only(self._by_logical_id.get(logical_id, ()), around))
        return self._template(scope)

    def _template(self, path: str) -> str:
        entries = self._entries.get(path, ())
        return next((str(one.get("data")) for one in entries if one.get("type") == "aws:cdk:templateFile"), "")

    def _path(self, resource: RawResource, stack: str) -> str:
        """Give the construct path: as the template says it, else by the logical ids that lead to the resource."""
        if resource.construct:
            return f"/{resource.construct}"
        path = scope = ""
        for logical_id in resource.address.removeprefix(f"{stack}/").split("/"):
            path = self._only(self._by_logical_id.get(logical_id, ()), scope)
            if not path:
                return ""
            scope = _nested_scope(path)
        return path

    def _only(self, paths: Iterable[str], scope: str) -> str:
        """Choose the one path that is in a nested stack and in none below it; a logical id may repeat elsewhere."""
        found = [path for path in paths if self._scope_around(path) == scope]
        return found[0] if len(found) == 1 else ""

    def _scope_around(self, path: str) -> str:
        """Give the nested stack whose template holds a construct; empty when that is the stack's own."""
        scope = path.rpartition("/")[0]
        while scope and scope not in self._nested_scopes():
            scope = scope.rpartition("/")[0]
        return scope

    def _nested_scopes(self) -> frozenset[str]:
        if self._nested is None:
            listed = (path for paths in self._by_logical_id.values() for path in paths)
            self._nested = frozenset(map(_nested_scope, listed)) - {""}
        return self._nested

    def _frames(self, path: str) -> list[Span]:
        """Give where a construct was written: of current versions, else of older ones with `cdk synth --debug`."""
        entries = self._entries.get(path, [])
        traces = [entry.get("data") for entry in entries if entry.get("type") == "aws:cdk:creationStack"]
        traces += [entry.get("trace") for entry in entries if entry.get("type") == "aws:cdk:logicalId"]
        return next((places for trace in traces if (places := self.traces.places(trace))), [])

    def _acknowledged(self, path: str, at: Span) -> tuple[Waiver, ...]:
        """Give the acknowledgements of a construct and of everything around it: `mlguard::policy` with a reason."""
        waivers = []
        scope = path
        while scope:
            for entry in self._entries.get(scope, []):
                rules = entry.get("data")
                if entry.get("type") == _ACKNOWLEDGED and isinstance(rules, dict):
                    for rule, reason in rules.items():
                        if rule.startswith(_NAMESPACE):
                            waivers.append(self._waiver(scope, rule, reason, entry, at))
            scope = scope.rpartition("/")[0]
        return tuple(waivers)

    def _waiver(self, scope: str, rule: str, reason: object, entry: Mapping[str, Any], at: Span) -> Waiver:
        """Give one waiver for all the resources below a construct: it is of use when it speaks of one of them."""
        key = (scope, rule)
        if key not in self._waivers:
            place = next(iter(self.traces.places(entry.get("trace"))), at)
            said = reason if isinstance(reason, str) else ""
            self._waivers[key] = Waiver((rule.removeprefix(_NAMESPACE),), said, "", place)
        return self._waivers[key]


def _nested_scope(path: str) -> str:
    """Give the construct of a nested stack: `/S/T` of its resource `/S/T.NestedStack/T.NestedStackResource`."""
    above, _, name = path.rpartition("/")
    return above.removesuffix(".NestedStack") if name.endswith(_NESTED_RESOURCE) else ""
