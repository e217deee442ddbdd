"""CDK cloud assemblies (`cdk.out`) to raw projects: stacks, stages, nested stacks, environments, constructs.

The format is internal to the CDK and has changed often: everything is read tolerantly, and every path that an
assembly names is kept inside of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from mlguard.errors import LimitError, MlguardError, ParseError
from mlguard.parse.cdk.assets import NestedTemplates, mapping
from mlguard.parse.cdk.constructs import Constructs
from mlguard.parse.cdk.missing import Missing, missing_of
from mlguard.parse.cloudformation.template import Surroundings, Template
from mlguard.parse.json_document import load_json
from mlguard.parse.markup import plain
from mlguard.parse.traces import Traces
from mlguard.record import field, record, replace
from mlguard.resource import Gap, RawProject, RawResource
from mlguard.source import Document, Root, Span
from mlguard.value import Entries, Node

NEWEST_VERSION = 55
"""The newest major version of the format that this module was written for."""
_ENVIRONMENT = re.compile(r"aws://(?P<account>\d{12})?[^/]*/(?P<region>[a-z0-9-]+)\Z")
_VERSION = re.compile(r"(\d{1,9})\.")
_MAX_STACKS = 500
_MAX_DEPTH = 10
_MOST_NAMED = 5


@record(frozen=False)
class _Assembly:
    """What is gathered while an assembly and the assemblies of its stages are read."""

    root: Root
    top: str
    wanted: Callable[[str], bool]
    region: str
    documents: dict[str, Document] = field(default_factory=dict)
    resources: list[RawResource] = field(default_factory=list)
    problems: list[MlguardError] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    read: set[str] = field(default_factory=set)
    stacks: int = 0

    def inside(self, folder: str, name: object) -> str | None:
        """Give the path of a file or folder that the assembly names; None when it leaves the assembly."""
        path = self.root.resolve(folder, name) if isinstance(name, str) else None
        top = f"{self.top}/" if self.top else ""
        return path if path is not None and path.startswith(top) else None

    def content(self, path: str) -> object:
        """Read a file of plain JSON."""
        return plain(load_json(self.root.read(path)))


@record()
class _Manifest:
    """One manifest: its folder and path, its artifacts, and the nodes that they were read from."""

    folder: str
    path: str
    artifacts: Mapping[str, Any]
    nodes: Mapping[str, Node]
    missing: Missing


def load(root: Root, folder: str, wanted: Callable[[str], bool], region: str = "") -> RawProject:
    """Read the assembly in a folder; ParseError or SourceError when its manifest cannot be read.

    `region` is that of the stacks whose environment does not say one.
    """
    assembly = _Assembly(root, folder, wanted, region)
    traces = Traces(root, folder.rpartition("/")[0], assembly.documents)
    _read_assembly(assembly, traces, folder, 0)
    return RawProject(
        dialect="cdk",
        path=folder,
        resources=tuple(assembly.resources),
        documents=assembly.documents,
        gaps=tuple(assembly.gaps),
        names=tuple(reversed(folder.split("/"))),
        problems=tuple(assembly.problems),
        notes=tuple(_notes(assembly, traces)),
        files=tuple(sorted(assembly.documents)),
    )


def _notes(assembly: _Assembly, traces: Traces) -> list[str]:
    """Say what a better assembly would tell: the places in the source, and values that had to be looked up."""
    named = assembly.top or "."
    notes = []
    if assembly.resources and not any(resource.source for resource in assembly.resources):
        if traces.named:
            notes.append(f"{named}: its source lines are in files that are not in the scanned folder")
        else:
            notes.append(f"{named}: no source lines in this assembly; `cdk synth --debug` writes them")
    if assembly.missing:
        names = list(dict.fromkeys(assembly.missing))
        more = len(names) - _MOST_NAMED
        listed = ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
        what = f"context was missing when it was synthesized ({listed}): what depends on it is unknown"
        notes.append(f"{named}: {what}; run `cdk synth` with credentials of the account")
    return notes


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def _read_assembly(assembly: _Assembly, traces: Traces, folder: str, depth: int) -> None:
    path = _join(folder, "manifest.json")
    if folder in assembly.read:
        return
    if depth > _MAX_DEPTH:
        raise LimitError(f"stages are nested deeper than {_MAX_DEPTH} levels", path)
    assembly.read.add(folder)
    manifest = _manifest(assembly, folder, path)
    for name, artifact in manifest.artifacts.items():
        entry = mapping(artifact)
        if entry.get("type") == "cdk:cloud-assembly":
            _try(assembly, partial(_read_stage, assembly, traces, manifest, name, depth))
        elif entry.get("type") == "aws:cloudformation:stack":
            assembly.stacks += 1
            if assembly.stacks > _MAX_STACKS:
                assembly.problems.append(LimitError(f"more than {_MAX_STACKS} stacks: those beyond are not read", path))
                return
            _try(assembly, partial(_read_stack, assembly, traces, manifest, name))


def _try(assembly: _Assembly, read: Callable[[], None]) -> None:
    try:
        read()
    except MlguardError as error:
        assembly.problems.append(error)


def _manifest(assembly: _Assembly, folder: str, path: str) -> _Manifest:
    document = assembly.root.read(path)
    node = load_json(document)
    content = mapping(plain(node))
    artifacts = _below(node, "artifacts")
    if artifacts is None or not isinstance(artifacts.content, Entries):
        raise ParseError("the manifest of a cloud assembly without artifacts", path, 1)
    assembly.documents[path] = document
    version = _VERSION.match(str(content.get("version")))
    if version is not None and int(version[1]) > NEWEST_VERSION:
        at = _below(node, "version") or node
        what = f"version {version[1]} of the format, newer than {NEWEST_VERSION}, which this mlguard knows"
        what = f"{what}: it is read as far as it is understood; update mlguard"
        assembly.problems.append(ParseError(what, path, at.span.line, at.span.column))
    missing = missing_of(content)
    assembly.missing.extend(missing.names)
    return _Manifest(folder, path, content["artifacts"], artifacts.content.nodes, missing)


def _below(node: Node | None, *keys: str) -> Node | None:
    for key in keys:
        node = node.content.nodes.get(key) if node is not None and isinstance(node.content, Entries) else None
    return node


def _leaves(manifest: _Manifest, name: str, what: str) -> ParseError:
    at = manifest.nodes[name].key_span or manifest.nodes[name].span
    return ParseError(f'the {what} "{name}" leaves the assembly', manifest.path, at.line, at.column)


def _read_stage(assembly: _Assembly, traces: Traces, manifest: _Manifest, name: str, depth: int) -> None:
    properties = mapping(mapping(manifest.artifacts[name]).get("properties"))
    folder = assembly.inside(manifest.folder, properties.get("directoryName"))
    if folder is None:
        raise _leaves(manifest, name, "stage")
    _read_assembly(assembly, traces, folder, depth + 1)


def _read_stack(assembly: _Assembly, traces: Traces, manifest: _Manifest, name: str) -> None:
    entry = mapping(manifest.artifacts[name])
    properties = mapping(entry.get("properties"))
    path = assembly.inside(manifest.folder, properties.get("templateFile"))
    if path is None:
        raise _leaves(manifest, name, "template of the stack")
    document = assembly.root.read(path)
    assembly.documents[path] = document
    environment = _ENVIRONMENT.match(str(entry.get("environment")))
    region = environment["region"] if environment is not None else ""
    constructs = _constructs(assembly, traces, manifest, entry)
    nested = NestedTemplates(
        partial(assembly.inside, manifest.folder), assembly.content, constructs, _dependencies(manifest, entry)
    )
    around = Surroundings(
        assembly.root, assembly.region if region in ("", "unknown-region") else region, assembly.wanted, nested.locate
    )
    around.account = (environment["account"] or "") if environment is not None else ""
    around.prepare = manifest.missing.without
    around.documents = assembly.documents
    given = _texts(_below(manifest.nodes[name], "properties", "parameters"))
    template = Template(manifest.missing.without(load_json(document)), path, around, prefix=f"{name}/", given=given)
    tags = _below(manifest.nodes[name], "properties", "tags") or Node(Entries({}), Span(path, 1, 1, 1, 1))
    for resource in template.resources():
        assembly.resources.append(replace(constructs.describe(resource, name), tags_below=tags))
    assembly.problems.extend(around.problems)
    assembly.gaps.extend(around.gaps)


def _texts(node: Node | None) -> dict[str, Node]:
    """Give the parameters that the assembly deploys a stack with."""
    found = node.content.nodes if node is not None and isinstance(node.content, Entries) else {}
    return {key: value for key, value in found.items() if isinstance(value.content, str)}


def _constructs(assembly: _Assembly, traces: Traces, manifest: _Manifest, entry: Mapping[str, Any]) -> Constructs:
    constructs = Constructs(traces)
    constructs.add(mapping(entry.get("metadata")))
    extra = assembly.inside(manifest.folder, entry.get("additionalMetadataFile"))
    if extra is not None:
        _try(assembly, lambda: constructs.add(mapping(assembly.content(str(extra)))))
    return constructs


def _dependencies(manifest: _Manifest, entry: Mapping[str, Any]) -> list[dict[str, Any]]:
    named = entry.get("dependencies")
    return (
        [mapping(manifest.artifacts.get(name)) for name in named if isinstance(name, str)]
        if isinstance(named, list)
        else []
    )
