"""The configuration that a plan was made of, where it is at hand."""

from __future__ import annotations

from collections.abc import Sequence

from mlguard.parse.terraform.configuration import Configuration
from mlguard.parse.terraform.modules import Modules
from mlguard.parse.terraform.plan.addresses import steps_of
from mlguard.parse.terraform.plan.document import Planned
from mlguard.record import record
from mlguard.resource import RawProject, RawResource
from mlguard.source import Root, Span

Names = frozenset[tuple[str, ...]]


@record()
class Match:
    """A folder that a plan may be of; `exact` when it declares what the plan's configuration does, no more, no less."""

    folder: str
    exact: bool


def find_source(root: Root, path: str, declared: Names, folders: Sequence[str]) -> tuple[Match | None, str]:
    """Find the root module of a plan: beside it, above it, or among the scanned folders; and what to say about it.

    Beside and above, a folder that declares at least half of the resources will do; elsewhere all must be the same.
    """
    near = _near(path)
    for folder in near:
        here = _declared(root, folder)
        if declared and here == declared:
            return Match(folder, exact=True), ""
    exact = [folder for folder in folders if folder not in near and declared and _declared(root, folder) == declared]
    if len(exact) == 1:
        return Match(exact[0], exact=True), ""
    if exact:
        several = ", ".join(folder or "." for folder in exact[:3])
        return None, f"may be of any of {several}: put it into the folder of its configuration"
    for folder in near:
        if 2 * len(_declared(root, folder) & declared) >= max(len(declared), 1):
            return Match(folder, exact=False), ""
    return None, ""


def _near(path: str) -> list[str]:
    """Give the folder of a file and those above it, up to the root; none for a file outside of it."""
    if path.startswith(("../", "/")):
        return []
    parts = path.split("/")[:-1]
    return ["/".join(parts[:end]) for end in range(len(parts), -1, -1)]


def _declared(root: Root, folder: str) -> Names:
    index = Configuration(root, folder).index
    return frozenset(key for key in index if key[0] in ("resource", "module") and len(key) > 1)


class Written:
    """The resources of a configuration, found by the addresses of planned ones."""

    def __init__(self, project: RawProject, modules: Modules, folder: str) -> None:
        self.project = project
        self._modules = modules
        self._folder = folder
        self._by_address = {resource.address: resource for resource in project.resources}
        self._symbolic = {_bare(one.address): one for one in project.resources if "[?]" in one.address}

    def resource(self, planned: Planned) -> RawResource | None:
        """Give the written resource: the instance of the same key, else the one that stands for unknown keys."""
        found = self._by_address.get(planned.address)
        return found if found is not None else self._symbolic.get(_bare(planned.address))

    def nearest(self, planned: Planned) -> Span | None:
        """Give the header of the resource, else of the innermost module call that can be seen on the way to it."""
        configuration = self._modules.configuration(self._folder)
        header: Span | None = None
        path: tuple[str, ...] = ()
        for call in planned.module:
            path = (*path, call.name)
            scanned = configuration.first("module", call.name)
            if scanned is None:
                return header
            header = scanned.document.span(scanned.start, scanned.header_end)
            target = self._modules.target(configuration, path, scanned)
            if target is None:
                return header
            configuration = self._modules.configuration(target)
        scanned = configuration.first("resource", planned.type, planned.own.name)
        return header if scanned is None else scanned.document.span(scanned.start, scanned.header_end)


def _bare(address: str) -> str:
    """Give an address without keys."""
    return ".".join(step.name for step in steps_of(address))
