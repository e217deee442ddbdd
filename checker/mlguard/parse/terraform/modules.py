"""Module calls: where their configuration stands, and the instances that they make."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable

from mlguard.errors import LimitError, MlguardError, ParseError, SourceError
from mlguard.parse.terraform.configuration import Configuration
from mlguard.parse.terraform.expand import Key, body, bound, suffix
from mlguard.parse.terraform.instances import Existence, existing_keys
from mlguard.parse.terraform.scanner import ScannedBlock
from mlguard.parse.terraform.scope import Instance, Scope
from mlguard.record import replace
from mlguard.resource import CALLED, Gap, Related
from mlguard.source import Root

_MAX_LEVEL = 12
_MAX_MODULES = 1_000
CreatedBy = Callable[[str], tuple[str, ...] | None]
"""Gives the resource types that the module of a source can create; None where nobody knows."""


def unknown_source(_source: str) -> None:
    """Say that nobody knows what the module of a source can create."""


class Modules:
    """The modules of a project: local ones by their path, others where `terraform init` put them, if it did.

    `missing` are the calls of modules that are not here, by place; `gaps` the same by instance, with its arguments.
    """

    def __init__(
        self,
        root: Root,
        folder: str,
        open_folder: Callable[[str], Configuration],
        created_by: CreatedBy,
        wanted: Callable[[str], bool],
    ) -> None:
        self.missing: dict[tuple[str, int], tuple[ScannedBlock, Gap]] = {}
        self.gaps: dict[str, Gap] = {}
        self.problems: list[MlguardError] = []
        self.configurations: dict[str, Configuration] = {}
        self._root = root
        self._folder = folder
        self._open = open_folder
        self._created_by = created_by
        self._wanted = wanted
        self._leading: dict[str, bool] = {}
        self._installed: dict[str, str] | None = None
        self._count = 0

    def configuration(self, folder: str) -> Configuration:
        """Give the configuration of a folder and note that the project uses it."""
        if folder not in self.configurations:
            self.configurations[folder] = self._open(folder)
        return self.configurations[folder]

    def target(self, configuration: Configuration, path: tuple[str, ...], scanned: ScannedBlock) -> str | None:
        """Give the folder that a call names; None where its configuration is not here."""
        source = configuration.source(scanned)
        if _is_local(source):
            folder = self._root.resolve(configuration.folder, source)
            if folder is not None and self._root.is_folder(folder):
                return folder
        installed = self._installed_folders().get(".".join(path))
        if installed is None and not self.lacks(scanned):
            self.missing[scanned.document.path, scanned.start] = (scanned, self._gap(configuration, scanned))
        return installed

    def _gap(self, configuration: Configuration, scanned: ScannedBlock) -> Gap:
        source = configuration.source(scanned)
        name = f'module "{scanned.labels[0] if scanned.labels else ""}"'
        hides = self._created_by(source)
        if not source:
            what = f"{name} has no source that can be read here, so what it creates is not checked"
        elif not _is_local(source):
            types = f", which can create {', '.join(hides)}," if hides else ""
            what = f"{name} from {source}{types} is not here: run `terraform init` in {self._folder or '.'}"
        elif self._root.resolve(configuration.folder, source) is None:
            what = f"{name} from {source} leaves the scanned folder and is not read: scan a folder that holds both"
        else:
            what = f"{name} from {source} is not here: there is no such folder"
        return Gap(scanned.document.span(scanned.start, scanned.header_end), what, hides)

    def child(self, instance: Instance, name: str, key: Key, *, single: bool = False) -> Instance | None:
        """Give one instance of a called module; None where its configuration is not here, or a limit is reached."""
        kept = (name, single, key)
        if kept in instance.children:
            return instance.children[kept]
        scanned = instance.configuration.first("module", name)
        block = instance.configuration.block(scanned) if scanned else None
        if scanned is None or block is None:
            return None
        folder = self.target(instance.configuration, (*_names(instance), name), scanned)
        scope = Scope(instance, block.document)
        prefix = f"{instance.prefix}module.{name}{'' if single else suffix(key)}."
        inner = scope if single else bound(block, scope, key)
        if folder is None:
            if prefix not in self.gaps and self._one_more():
                self.gaps[prefix] = replace(self._gap(instance.configuration, scanned), arguments=body(block, inner))
            return None
        if not self._may(instance, folder, scanned):
            return None
        header = block.document.span(block.start, block.header_end)
        child = Instance(
            session=instance.session,
            configuration=self.configuration(folder),
            prefix=prefix,
            call=block,
            scope=inner,
            related=(Related(header, CALLED), *instance.related),
            exists=instance.exists if single else Existence(block, scope, key, instance.exists),
            parent=instance,
        )
        instance.children[kept] = child
        return child

    def lacks(self, scanned: ScannedBlock) -> bool:
        """Tell whether a block is the call of a module that was looked for and is not here."""
        return (scanned.document.path, scanned.start) in self.missing

    def leads(self, instance: Instance, scanned: ScannedBlock) -> bool:
        """Tell whether a call can lead to a resource of a wanted type: else nothing of it need be read."""
        return self._leads(instance.configuration, (*_names(instance), *scanned.labels[:1]), scanned)

    def _leads(self, configuration: Configuration, path: tuple[str, ...], scanned: ScannedBlock) -> bool:
        folder = self.target(configuration, path, scanned)
        if folder is None:
            hides = self.missing[scanned.document.path, scanned.start][1].hides
            return hides is None or any(self._wanted(kind) for kind in hides)
        if len(path) > _MAX_LEVEL:
            return True  # following it tells that it is too deep
        if folder not in self._leading:
            self._leading[folder] = True  # what is met again before it is known calls itself: following it tells so
            below = self.configuration(folder)
            self._leading[folder] = any(
                block.labels and self._wanted(block.labels[0]) for block in below.scanned("resource")
            ) or any(self._leads(below, (*path, *call.labels[:1]), call) for call in list(below.scanned("module")))
        return self._leading[folder]

    def children(self, instance: Instance, calls: Iterable[ScannedBlock]) -> Iterable[Instance]:
        """Give every instance of the modules that some calls in its configuration name."""
        for scanned in calls:
            block = instance.configuration.block(scanned)
            if self._count > _MAX_MODULES:
                return
            if block is None or not scanned.labels:
                continue
            name = scanned.labels[0]
            scope = Scope(instance, block.document)
            if not instance.configuration.repeats(scanned):
                keys: list[tuple[Key, bool]] = [(None, True)]
            else:
                keys = [(key, False) for key in existing_keys(block, scope)]
            for key, single in keys:
                child = self.child(instance, name, key, single=single)
                if child is not None:
                    yield child

    def _may(self, instance: Instance, folder: str, scanned: ScannedBlock) -> bool:
        """Tell whether one more instance is within the limits; a problem for the first that is not."""
        path, line = scanned.document.path, scanned.document.span(scanned.start, scanned.start).line
        above: Instance | None = instance
        while above is not None:
            if above.configuration.folder == folder:
                self._problem(ParseError("the module calls itself", path, line))
                return False
            above = above.parent
        if instance.level >= _MAX_LEVEL:
            self._problem(LimitError(f"modules nested more than {_MAX_LEVEL} levels deep", path, line))
            return False
        return self._one_more()

    def _one_more(self) -> bool:
        self._count += 1
        if self._count > _MAX_MODULES:
            self._problem(
                LimitError(f"more than {_MAX_MODULES:,} module instances in one project", self._folder or ".")
            )
            return False
        return True

    def _problem(self, problem: MlguardError) -> None:
        if all(str(problem) != str(known) for known in self.problems):
            self.problems.append(problem)

    def _installed_folders(self) -> dict[str, str]:
        """Read what `terraform init` noted about downloaded modules; folders outside of the root are left out."""
        if self._installed is None:
            self._installed = {}
            base = self._folder + "/" if self._folder else ""
            path = base + ".terraform/modules/modules.json"
            if self._root.is_file(path):
                try:
                    noted = json.loads(self._root.read(path).text)["Modules"]
                    for module in noted if isinstance(noted, list) else []:
                        folder = self._root.resolve(self._folder, str(module["Dir"]))
                        if folder is not None and self._root.is_folder(folder) and folder != self._folder:
                            self._installed[str(module["Key"])] = folder
                except SourceError as error:
                    self._problem(error)
                except (ValueError, KeyError, TypeError, RecursionError):
                    self._problem(ParseError("not a list of modules as terraform init writes it", path))
        return self._installed


def _is_local(source: str) -> bool:
    return source.startswith(("./", "../")) or source in (".", "..")


def _names(instance: Instance) -> tuple[str, ...]:
    names: list[str] = []
    above: Instance | None = instance
    while above is not None:
        if above.call is not None and above.call.labels:
            names.append(above.call.labels[0])
        above = above.parent
    return tuple(reversed(names))
