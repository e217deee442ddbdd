"""CDK cloud assemblies (`cdk.out`) to raw projects: stacks, stages, nested stacks, environments, constructs.

The format is internal to the CDK and has changed often: everything is read tolerantly, and every path that an
assembly names is kept inside of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from mlguard.errors import MlguardError, ParseError
from mlguard.parse.cloudformation.template import Surroundings, Template
from mlguard.parse.json_document import load_json
from mlguard.parse.markup import plain
from mlguard.parse.traces import Traces
from mlguard.resource import Gap, RawProject, RawResource, Related, Waiver
from mlguard.source import Document, Root, Span
from mlguard.value import Entries, Node

_ENVIRONMENT = re.compile(r"aws://(?P<account>[^/]+)/(?P<region>[a-z0-9-]+)\Z")
_MAX_STACKS = 500
_MAX_DEPTH = 10


@dataclass(slots=True)
class _Assembly:
    """What is gathered while an assembly and the assemblies of its stages are read."""

    root: Root
    top: str
    wanted: Callable[[str], bool]
    resources: list[RawResource] = field(default_factory=list)
    documents: dict[str, Document] = field(default_factory=dict)
    problems: list[MlguardError] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    read: set[str] = field(default_factory=set)
    stacks: int = 0
    traces: Traces = field(init=False)

    def __post_init__(self) -> None:
        """Look for the files that traces name beside the assembly first."""
        self.traces = Traces(self.root, self.top.rpartition("/")[0], self.documents)


@dataclass(slots=True)
class _Metadata:
    """What an assembly knows of constructs: by path, and the path of a logical id."""

    entries: dict[str, list[dict[str, Any]]]
    path_of: dict[str, list[str]]


def load(root: Root, folder: str, wanted: Callable[[str], bool]) -> RawProject:
    """Read the assembly in a folder; ParseError or SourceError when its manifest cannot be read."""
    assembly = _Assembly(root, folder, wanted)
    _read_assembly(assembly, folder, 0)
    if not any(resource.source for resource in assembly.resources) and assembly.resources:
        assembly.notes.append(f"{folder or '.'}: no source lines in this assembly; `cdk synth --debug` writes them")
    return RawProject(
        dialect="cdk",
        path=folder,
        resources=tuple(assembly.resources),
        documents=assembly.documents,
        gaps=tuple(assembly.gaps),
        names=tuple(reversed(folder.split("/"))),
        problems=tuple(assembly.problems),
        notes=tuple(assembly.notes),
        files=tuple(sorted(assembly.documents)),
    )


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def _inside(assembly: _Assembly, folder: str, name: object) -> str | None:
    """Give the path of a file that the assembly names, None when it leaves the assembly."""
    if not isinstance(name, str):
        return None
    path = assembly.root.resolve(folder, name)
    top = f"{assembly.top}/" if assembly.top else ""
    return path if path is not None and path.startswith(top) else None


def _read_assembly(assembly: _Assembly, folder: str, depth: int) -> None:
    if folder in assembly.read or depth > _MAX_DEPTH:
        return
    assembly.read.add(folder)
    path = _join(folder, "manifest.json")
    document = assembly.root.read(path)
    manifest = plain(load_json(document))
    artifacts = _mapping(manifest).get("artifacts")
    if not isinstance(artifacts, dict):
        raise ParseError("the manifest of a cloud assembly without artifacts", path, 1)
    for name, artifact in artifacts.items():
        entry = _mapping(artifact)
        properties = _mapping(entry.get("properties"))
        if entry.get("type") == "cdk:cloud-assembly":
            below = _inside(assembly, folder, properties.get("directoryName"))
            if below is None:
                assembly.problems.append(ParseError(f'the stage "{name}" leaves the assembly', path, 1))
            elif assembly.root.is_file(_join(below, "manifest.json")):
                _try(assembly, lambda below=below: _read_assembly(assembly, below, depth + 1))  # type: ignore[misc]
        elif entry.get("type") == "aws:cloudformation:stack" and assembly.stacks < _MAX_STACKS:
            assembly.stacks += 1
            _try(assembly, lambda name=name, entry=entry: _read_stack(assembly, folder, name, entry))  # type: ignore[misc]


def _try(assembly: _Assembly, read: Callable[[], None]) -> None:
    try:
        read()
    except MlguardError as error:
        assembly.problems.append(error)


def _read_stack(assembly: _Assembly, folder: str, name: str, entry: Mapping[str, Any]) -> None:
    properties = _mapping(entry.get("properties"))
    path = _inside(assembly, folder, properties.get("templateFile"))
    if path is None:
        raise ParseError(f'the template of the stack "{name}" leaves the assembly', _join(folder, "manifest.json"), 1)
    document = assembly.root.read(path)
    assembly.documents[path] = document
    node = load_json(document)
    around = Surroundings(assembly.root, _region(entry), assembly.wanted, _locator(assembly))
    around.documents = assembly.documents
    at = Span(path, 1, 1, 1, 1)
    given = {
        key: Node(value, at) for key, value in _mapping(properties.get("parameters")).items() if isinstance(value, str)
    }
    template = Template(node, path, around, prefix=f"{name}/", given=given)
    metadata = _metadata(assembly, folder, entry)
    tags = Node(
        Entries({str(key): Node(str(value), at) for key, value in _mapping(properties.get("tags")).items()}), at
    )
    for resource in template.resources():
        assembly.resources.append(_located(assembly, resource, metadata, name, tags))
    assembly.problems.extend(around.problems)
    assembly.gaps.extend(around.gaps)


def _region(entry: Mapping[str, Any]) -> str:
    environment = entry.get("environment")
    match = _ENVIRONMENT.match(environment) if isinstance(environment, str) else None
    return match["region"] if match is not None and match["region"] != "unknown-region" else ""


def _locator(assembly: _Assembly) -> Callable[[str, str, Node], str | None]:
    """Follow `aws:asset:path` of a nested stack to its template in the assembly."""

    def locate(path: str, name: str, node: Node) -> str | None:
        folder = path.rpartition("/")[0]
        metadata = _mapping(plain(node)).get("Metadata")
        found = _inside(assembly, folder, _mapping(metadata).get("aws:asset:path"))
        if found is not None and assembly.root.is_file(found):
            return found
        base = path.rpartition("/")[2].removesuffix(".template.json").removesuffix(".nested")
        names = [one for one in assembly.root.names(folder) if one.endswith(".nested.template.json")]
        near = [
            one
            for one in names
            if one.startswith(base.replace("-", "")) and name.startswith(one[len(base.replace("-", "")) :][:8])
        ]
        return _join(folder, near[0]) if len(near) == 1 else None

    return locate


def _metadata(assembly: _Assembly, folder: str, entry: Mapping[str, Any]) -> _Metadata:
    entries: dict[str, list[dict[str, Any]]] = {}
    listed = [_mapping(entry.get("metadata"))]
    extra = _inside(assembly, folder, entry.get("additionalMetadataFile"))
    if extra is not None and assembly.root.is_file(extra):
        try:
            listed.append(_mapping(plain(load_json(assembly.root.read(extra)))))
        except MlguardError as error:
            assembly.problems.append(error)
    path_of: dict[str, list[str]] = {}
    for source in listed:
        for path, values in source.items():
            for value in values if isinstance(values, list) else []:
                if isinstance(value, dict):
                    entries.setdefault(path, []).append(value)
                    if value.get("type") == "aws:cdk:logicalId" and isinstance(value.get("data"), str):
                        path_of.setdefault(value["data"], []).append(path)
    return _Metadata(entries, path_of)


def _located(assembly: _Assembly, resource: RawResource, metadata: _Metadata, stack: str, tags: Node) -> RawResource:
    """Add what the assembly knows of the construct: its path, where its author wrote it, what its author accepts."""
    construct = _construct(resource, metadata)
    frames = _frames(assembly, metadata.entries.get(construct, []))
    shown = construct.strip("/") or resource.construct or resource.address.removeprefix(f"{stack}/")
    related = tuple(Related(frame, "constructed here") for frame in frames[1:4])
    return replace(
        resource,
        construct=shown,
        source=frames[0] if frames else None,
        related=(*resource.related, *related),
        tags_below=tags,
        waivers=(*resource.waivers, *_acknowledged(construct, metadata, resource.name_span)),
    )


def _construct(resource: RawResource, metadata: _Metadata) -> str:
    if resource.construct and f"/{resource.construct}" in metadata.entries:
        return f"/{resource.construct}"
    paths = metadata.path_of.get(resource.address.rpartition("/")[2], [])
    return paths[0] if len(paths) == 1 else f"/{resource.construct}" if resource.construct else ""


def _frames(assembly: _Assembly, entries: list[dict[str, Any]]) -> list[Span]:
    """Give the places in the author's own files, the nearest first, as far as they lie in the scanned folder."""
    traces = [entry.get("data") for entry in entries if entry.get("type") == "aws:cdk:creationStack"]
    traces += [entry.get("trace") for entry in entries if entry.get("type") == "aws:cdk:logicalId"]
    for trace in traces:
        spans = assembly.traces.places(trace) if isinstance(trace, list) else []
        if spans:
            return spans
    return []


def _acknowledged(construct: str, metadata: _Metadata, at: Span) -> tuple[Waiver, ...]:
    """Give the acknowledgements of a construct and of everything around it: `mlguard::policy` with a reason."""
    waivers = []
    scope = construct
    while scope:
        for entry in metadata.entries.get(scope, []):
            if entry.get("type") == "aws:cdk:acknowledged-rules" and isinstance(entry.get("data"), dict):
                for rule, reason in entry["data"].items():
                    if isinstance(rule, str) and rule.startswith("mlguard::"):
                        waivers.append(Waiver((rule.removeprefix("mlguard::"),), str(reason), "", at))
        scope = scope.rpartition("/")[0]
    return tuple(waivers)
