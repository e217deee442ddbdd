"""Find the root modules among folders, and read each with its modules and variable values."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mlguard.errors import MlguardError, ParseError
from mlguard.parse.hcl.blocks import HclText, normalise_text, split_blocks
from mlguard.parse.hcl.evaluate import evaluate_attribute
from mlguard.parse.hcl.expand import module_resources
from mlguard.parse.hcl.module import Module, Shared
from mlguard.parse.hcl.syntax import parse_part
from mlguard.parse.hcl.variables import Given
from mlguard.parse.json_document import load_json
from mlguard.resource import RawProject
from mlguard.scenario import Scenario
from mlguard.source import Document, Root, Span
from mlguard.value import Entries, Node, Unknown

_SUFFIXES = (".tf", ".tofu")
_LOCAL_SOURCE = re.compile(r'\bsource\s*=\s*"(\.\.?/[^"]*)"')
_MODULES_JSON = ".terraform/modules/modules.json"


@dataclass(frozen=True, slots=True)
class Variables:
    """What the user gives: variable files relative to the root, and values by name as the command line has them."""

    files: tuple[str, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict)


def is_terraform_file(name: str) -> bool:
    """Tell a configuration file by its name."""
    return name.endswith(_SUFFIXES)


class _Files:
    """The configuration files of folders, each read and split once."""

    def __init__(self, root: Root) -> None:
        self._root = root
        self._folders: dict[str, list[HclText]] = {}
        self.problems: dict[str, list[MlguardError]] = {}

    def read(self, folder: str) -> list[HclText]:
        """Give the files of a folder in Terraform's order, override files last."""
        if folder not in self._folders:
            self._folders[folder] = [
                hcl for name in _ordered(self._root.names(folder)) for hcl in self._one(folder, name)
            ]
        return self._folders[folder]

    def _one(self, folder: str, name: str) -> Iterator[HclText]:
        path = f"{folder}/{name}" if folder else name
        if not self._root.is_file(path):
            return  # a folder, link or pipe named like a file is counted as skipped where it was found
        try:
            yield split_blocks(self._root.read(path))
        except MlguardError as error:
            self.problems.setdefault(folder, []).append(error)


def _ordered(names: Sequence[str]) -> list[str]:
    tofu = {name.removesuffix(".tofu") for name in names if name.endswith(".tofu")}
    found = [name for name in names if is_terraform_file(name) and not (name.endswith(".tf") and name[:-3] in tofu)]
    return sorted(found, key=lambda name: (_is_override(name), name))


def _is_override(name: str) -> bool:
    stem = name.rsplit(".", 1)[0]
    return stem == "override" or stem.endswith("_override")


def load(
    root: Root,
    folders: Sequence[str],
    wanted: Callable[[str], bool],
    variables: Variables | None = None,
    region: str = "",
) -> list[RawProject]:
    """Read every root module among the folders; what cannot be read is a problem of its project."""
    files = _Files(root)
    called = {target for folder in folders for target in _called(root, folder, files)}
    roots = [folder for folder in folders if folder not in called or _stands_alone(files.read(folder))]
    roots += _unreached(folders, roots, lambda folder: _called(root, folder, files))
    return [_project(root, folder, files, wanted, variables or Variables(), region) for folder in sorted(roots)]


def _unreached(folders: Sequence[str], roots: Sequence[str], called: Callable[[str], Iterator[str]]) -> list[str]:
    """Give the folders that no root leads to: modules that call each other in a circle are roots then."""
    seen: set[str] = set()
    extra: list[str] = []

    def follow(start: str) -> None:
        pending = [start]
        while pending:
            folder = pending.pop()
            if folder not in seen:
                seen.add(folder)
                pending.extend(called(folder))

    for folder in roots:
        follow(folder)
    for folder in sorted(folders):
        if folder not in seen:
            extra.append(folder)
            follow(folder)
    return extra


def _called(root: Root, folder: str, files: _Files) -> Iterator[str]:
    for hcl in files.read(folder):
        for block in hcl.blocks:
            if block.type == "module":
                for match in _LOCAL_SOURCE.finditer(hcl.normal, block.start, block.end):
                    target = root.resolve(folder, match[1])
                    if target is not None and target != folder:
                        yield target


def _stands_alone(files: Sequence[HclText]) -> bool:
    for hcl in files:
        for block in hcl.blocks:
            text = hcl.normal[block.start : block.end]
            if block.type == "provider" or (block.type == "terraform" and re.search(r"\b(?:backend|cloud)\b", text)):
                return True
    return False


def _project(
    root: Root, folder: str, files: _Files, wanted: Callable[[str], bool], variables: Variables, region: str
) -> RawProject:
    problems: list[MlguardError] = []
    documents: dict[str, Document] = {}
    given = _given(root, folder, variables, documents, problems)
    shared = Shared(root, folder, wanted, given, region, files.read, _installed(root, folder))
    shared.documents.update(documents)
    module = Module(shared, folder)
    resources = tuple(module_resources(module))
    settled = Scenario()
    for resource in resources:  # a resource whose arguments cannot be read is noticed now, not when a policy looks
        resource.exists(settled)
    declared = (
        module.declared(located.block.labels[0]) for located in module.blocks("variable") if located.block.labels
    )
    unread = [error for read in {folder, *_folders_of(shared)} for error in files.problems.get(read, ())]
    return RawProject(
        dialect="terraform",
        path=folder,
        resources=resources,
        documents=shared.documents,
        gaps=tuple(shared.gaps),
        parameters=tuple(variable.parameter for variable in declared if variable is not None),
        names=tuple(reversed(folder.split("/"))) if folder else (),
        problems=(*problems, *sorted(unread, key=str), *shared.problems),
        files=tuple(sorted({*shared.documents, *(error.path for error in unread)})),
    )


def _folders_of(shared: Shared) -> set[str]:
    return {path.rpartition("/")[0] for path in shared.documents}


def _given(
    root: Root, folder: str, variables: Variables, documents: dict[str, Document], problems: list[MlguardError]
) -> dict[str, Given]:
    """Collect the values of variables in Terraform's order: later ones win."""
    names = root.names(folder)
    automatic = sorted(name for name in names if name.endswith((".auto.tfvars", ".auto.tfvars.json")))
    first = [name for name in ("terraform.tfvars", "terraform.tfvars.json") if name in names]
    paths = [f"{folder}/{name}" if folder else name for name in (*first, *automatic)]
    given: dict[str, Given] = {}
    for path in (*paths, *variables.files):
        try:
            document = root.read(path)
            documents[path] = document
            given.update(_file_values(document))
        except MlguardError as error:
            problems.append(error)
    for name, text in variables.values.items():
        given[name] = Given(_command_line(text), f'"{name}" on the command line')
    return given


def _file_values(document: Document) -> dict[str, Given]:
    what = f"set in {document.path}"
    if document.path.endswith(".json"):
        content = load_json(document).content
        return {key: Given(node, what) for key, node in content.nodes.items()} if isinstance(content, Entries) else {}
    hcl = normalise_text(document)
    if hcl.problems:
        raise hcl.problems[0]
    body = parse_part(document, hcl.normal, 0)
    frame = Module(_literal_world(document, hcl), "").frame(document, Scenario())
    return {
        part.parts[0]: Given(evaluate_attribute(part.parts[1], frame, frame.place(part.parts[2])), what)
        for part in body.parts
        if part.kind == "attribute"
    }


def _literal_world(document: Document, hcl: HclText) -> Shared:
    """Make a world without names, in which the literals of a variable file are read."""
    alone = HclText(document, hcl.normal, [], hcl.heredocs)
    return Shared(Root(Path(os.devnull)), "", lambda _kind: False, {}, "", lambda _folder: [alone], lambda _name: None)


def _command_line(text: str) -> Node:
    at = Span("", 0, 0, 0, 0)
    if text[:1] in "[{":
        try:
            return load_json(Document("", text))
        except ParseError:
            return Node(Unknown("a value of the command line that is not JSON"), at)
    return Node(text, at)


def _installed(root: Root, folder: str) -> Callable[[str], str | None]:
    """Give the folder of a module that `terraform init` has fetched, where that is inside of the root."""
    path = f"{folder}/{_MODULES_JSON}" if folder else _MODULES_JSON
    found: dict[str, str] = {}
    if root.is_file(path):
        try:
            listed = json.loads(root.read(path, 5_000_000).text)
            for entry in listed.get("Modules", []) if isinstance(listed, dict) else []:
                target = root.resolve(folder, str(entry["Dir"])) if isinstance(entry, dict) and "Dir" in entry else None
                if target is not None:
                    found[str(entry.get("Key", ""))] = target
        except (MlguardError, ValueError, RecursionError):
            found = {}
    return found.get
