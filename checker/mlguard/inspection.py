"""The safety checks over what a person names: SCPs in files of their own, and those that infrastructure code embeds."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from mlguard.configuration import Configuration
from mlguard.errors import MlguardError, ParseError, SourceError
from mlguard.parse.json_document import load_json
from mlguard.record import field, record
from mlguard.resource import Resource
from mlguard.scan import Options, projects_of
from mlguard.scenario import Scenario, TooManyScenariosError, explore
from mlguard.scp.check import MAX_CHARS, SLOTS, check, faults_of_the_whole
from mlguard.scp.embedded import EmbeddedScp, read_embedded
from mlguard.scp.reading import read
from mlguard.scp.written import Fault, WrittenScp
from mlguard.source import Document, Root
from mlguard.value import Entries, settle, text_of

KIND = "organizations.policy"
_TYPE = "SERVICE_CONTROL_POLICY"
_MAX_BYTES = 1_000_000
_MAX_FILES = 50_000
_MAX_SCENARIOS = 64


@record(frozen=False)
class Inspected:
    """What was found: the faults in the order of their places, the SCPs looked at, and what could not be seen.

    `undecided` says of each SCP why a part of it is known at deployment only.
    """

    faults: list[Fault] = field(default_factory=list)
    scps: int = 0
    problems: list[MlguardError] = field(default_factory=list)
    undecided: dict[str, str] = field(default_factory=dict)
    documents: dict[str, Document] = field(default_factory=dict)


def inspect(
    root: Root,
    paths: Sequence[str],
    configuration: Configuration | None = None,
    *,
    max_chars: int = MAX_CHARS,
    slots: int = SLOTS,
) -> Inspected:
    """Check the SCPs of files and folders, relative to the root, each by itself and those that belong together.

    Files that are named, and code, make one set; the SCP files of a folder that is named are a set of their own.
    """
    found = Inspected()
    named: list[WrittenScp] = []
    code: list[str] = []
    sets: dict[str, list[tuple[str, Document]]] = {"": []}
    for path in paths:
        document = _scp_file(root, path, found)
        if document is not None:
            sets[""].append((path, document))
            continue
        code.append(path)
        for below, held in _scp_files_below(root, path):
            sets.setdefault(f"{below.rpartition('/')[0]}/", []).append((below, held))
    for key, documents in sets.items():
        whole = _inspect_set(documents, found, max_chars, slots)
        if key:
            found.faults.extend(faults_of_the_whole(whole))
        else:
            named = whole
    if code:
        _inspect_code(root, code, configuration or Configuration(), found, named)
    found.faults.extend(faults_of_the_whole(named))
    unique = dict.fromkeys(found.faults)
    found.faults = sorted(unique, key=lambda one: (one.path, one.line, one.column, one.check, one.message))
    return found


def _inspect_set(
    documents: Sequence[tuple[str, Document]], found: Inspected, max_chars: int, slots: int
) -> list[WrittenScp]:
    """Check SCPs that will be attached to one target, and give them as they were read."""
    for path, document in documents:
        found.scps += 1
        found.documents[path] = document
        found.faults.extend(check(document.text, path, max_chars=max_chars))
    if len(documents) > slots:
        message = f"{len(documents)} SCPs for {slots} free attachment slots; attach some of them a level higher"
        found.faults.append(Fault("too-many-documents", message, 1, 1, path=documents[-1][0]))
    return [read(document.text, path) for path, document in documents]


def _scp_files_below(root: Root, folder: str) -> Iterator[tuple[str, Document]]:
    """Give the files below a folder that hold an SCP and nothing else, in the order of their paths."""
    waiting, seen = [folder], 0
    while waiting and seen < _MAX_FILES:
        path = waiting.pop()
        seen += 1
        if path == "" or root.is_folder(path):
            below = [name for name in root.names(path) if not name.startswith(".") and name != "node_modules"]
            waiting += sorted((f"{path}/{name}".lstrip("/") for name in below), reverse=True)
        elif path != folder and path.endswith(".json"):
            try:
                document = root.read(path, _MAX_BYTES)
            except SourceError:
                continue  # whoever reads it as code says what is wrong with it
            if _is_scp(document):
                yield path, document


def _is_scp(document: Document) -> bool:
    """Tell an SCP from the other policies of AWS: it denies, for nobody in particular, or allows everything."""
    if '"Statement"' not in document.text:
        return False
    try:
        content = json.loads(document.text)
    except (ValueError, RecursionError):
        return False
    statements = content.get("Statement") if isinstance(content, dict) else None
    listed = statements if isinstance(statements, list) else [statements]
    return all(
        isinstance(one, dict)
        and not one.keys() & {"Principal", "NotPrincipal"}
        and (one.get("Effect") == "Deny" or (one.get("Action"), one.get("Resource")) == ("*", "*"))
        for one in listed
    ) and bool(listed)


def _scp_file(root: Root, path: str, found: Inspected) -> Document | None:
    """Read a file that holds an SCP and nothing else; None for everything that may hold code."""
    if not path.endswith(".json") or path.endswith((".tf.json", ".tofu.json")):
        return None
    try:
        document = root.read(path, _MAX_BYTES)
    except SourceError as error:
        found.problems.append(error)
        return None
    try:
        content = load_json(document).content
    except (ParseError, SourceError):
        return document  # the check says what is wrong with it
    return None if isinstance(content, Entries) and "Resources" in content.nodes else document


def _inspect_code(
    root: Root, paths: Sequence[str], configuration: Configuration, found: Inspected, whole: list[WrittenScp]
) -> None:
    projects, problems = projects_of(Options(root=root, paths=tuple(paths), configuration=configuration))
    found.problems.extend(problems)
    for project in projects:
        for resource in project.by_kind.get(KIND, ()):
            places = (resource.raw.span, *(one.span for one in resource.raw.related))
            if not any(_below(place.path, paths) for place in places):
                continue
            found.scps += 1
            found.documents.update(project.raw.documents)
            for embedded in _embedded(resource, project.raw.documents):
                found.faults.extend(embedded.faults)
                whole.append(embedded.written)
                for hidden in embedded.written.hidden:
                    found.undecided.setdefault(resource.address, hidden.because)


def _below(path: str, paths: Sequence[str]) -> bool:
    return any(one in ("", path) or path.startswith(f"{one}/") for one in paths)


def _embedded(resource: Resource, documents: Mapping[str, Document]) -> Iterator[EmbeddedScp]:
    """Read the SCP of a resource in every scenario that makes a difference."""

    def look(scenario: Scenario) -> EmbeddedScp | None:
        kind = settle(resource.properties["type"], scenario).content
        content = settle(resource.properties["content"], scenario)
        if content.content is None or (kind is not None and text_of(kind) not in (None, _TYPE)):
            return None
        return read_embedded(content, documents, scenario)

    try:
        for outcome in explore(look, _MAX_SCENARIOS):
            if outcome.result is not None:
                yield outcome.result
    except TooManyScenariosError:
        return
