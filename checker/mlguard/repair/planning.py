"""Find the place of each fix in the text, and what is to be spliced in there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from mlguard.errors import MlguardError, fault
from mlguard.finding import Finding, Remedy, Repair, Splice
from mlguard.patterns import lazy_pattern
from mlguard.policy.fixes import value_form
from mlguard.policy.model import Recipe
from mlguard.record import replace
from mlguard.repair.markup import Markup
from mlguard.repair.tree import RefusedError, Spot, merge, settled, wanted_tree
from mlguard.source import Document, Span
from mlguard.value import text_of

if TYPE_CHECKING:
    from mlguard.parse.terraform.scanner import ScannedBlock
    from mlguard.repair.hcl import Hcl

_LITERAL = lazy_pattern(r'-?[0-9][0-9.]*|true|false|"(?:[^"\\$%\n]|\\["\\])*"')
_ADDRESS = lazy_pattern(r"(?<![\w.])[A-Za-z_][\w-]*\.[\w-]+")
_HCL = (".tf", ".tofu")
_JSON = (".tf.json", ".tofu.json")
_REPEATED = ("count", "for_each")
_LARGEST = 2_000_000
"""Characters of a file that is mended: twice what CloudFormation takes of a template."""


def planned(findings: Sequence[Finding], documents: Mapping[str, Document]) -> list[Finding]:
    """Give the findings of a project with, for each that its policy can mend, how that is written in its files."""
    planner = _Planner(documents)
    return [planner.with_repair(finding) for finding in findings]


@lru_cache(maxsize=64)
def _markup_of(document: Document) -> Markup:
    """Read a file once for all projects that share it."""
    return Markup(document)


@lru_cache(maxsize=64)
def _hcl_of(document: Document, *, objects: bool) -> Hcl:
    from mlguard.repair.hcl import Hcl  # noqa: PLC0415  (with the grammar, which no template needs)

    return Hcl(document, objects=objects)


class _Planner:
    """Plans the fixes of a project."""

    def __init__(self, documents: Mapping[str, Document]) -> None:
        self._documents = documents
        self._labels: dict[str, frozenset[tuple[str, ...]]] = {}
        self._named: dict[tuple[str, str, str], dict[str, list[tuple[Hcl, Spot]]]] = {}

    def with_repair(self, finding: Finding) -> Finding:
        remedy = finding.remedy
        if remedy is None or finding.suppressed is not None:
            return finding
        refused = remedy.refused
        splices: tuple[Splice, ...] = ()
        if not refused:
            try:
                splices = tuple(self._splices(remedy))
                refused = "" if splices else "the code says so already"
            except (RefusedError, MlguardError) as error:
                refused = str(error)
            except RecursionError:
                refused = "nested too deeply"
            except Exception as error:  # noqa: BLE001  (the finding stands, whatever happens to its fix)
                refused = fault(error)
        return replace(finding, repair=Repair(remedy.safe, remedy.what, splices, refused))

    def _splices(self, remedy: Remedy) -> list[Splice]:
        reason = "no way to write it is known for this resource"
        if remedy.replace is not None and remedy.found is not None:
            try:
                return self._replaced(remedy, remedy.found)
            except RefusedError as error:
                reason = str(error)
        for recipe in remedy.recipes:
            if not recipe.if_present or self._has(remedy, recipe.if_present):
                return self._followed(remedy, recipe)
        raise RefusedError(reason)

    def _followed(self, remedy: Remedy, recipe: Recipe) -> list[Splice]:
        path = remedy.at.path
        if recipe.where == "parameter":
            return self._in_parameter(remedy, recipe)
        if path.endswith(_HCL):
            return self._in_hcl(remedy, recipe)
        if recipe.where == "project":
            return self._project_template(remedy, recipe)
        markup = self._markup(path)
        target = _resource_spot(markup, remedy)
        if recipe.where == "companion":
            return _companion_in_json(markup, target[0], remedy, recipe)
        tree = wanted_tree(recipe.set, recipe.add)
        return merge(markup, target[1], tree if path.endswith(_JSON) else {"Properties": tree})

    def _markup(self, path: str) -> Markup:
        if path not in self._documents or path.endswith((*_HCL, ".tfvars")):
            raise RefusedError("it stands in a file that is not mended")
        return _markup_of(_small(self._documents[path]))

    def _hcl(self, path: str, kind: str) -> Hcl:
        if path not in self._documents:
            raise RefusedError("it stands in a file that was not read")
        return _hcl_of(_small(self._documents[path]), objects=kind.startswith("awscc_"))

    def _has(self, remedy: Remedy, name: str) -> bool:
        if remedy.at.path.endswith(_HCL):
            _, body = self._hcl(remedy.at.path, remedy.type).block_at(self._start(remedy.at))
        else:
            body = _resource_spot(self._markup(remedy.at.path), remedy)[1]
            body = body.items[0] if body.one_or_more else body.entries.get("Properties", body)
        return name in body.entries

    def _start(self, span: Span) -> int:
        document = self._documents.get(span.path)
        if document is None:
            raise RefusedError("it stands in a file that was not read")
        return document.line_starts()[span.line - 1] + span.column - 1

    def _in_hcl(self, remedy: Remedy, recipe: Recipe) -> list[Splice]:
        hcl = self._hcl(remedy.at.path, recipe.type or remedy.type)
        if recipe.where == "project":
            return self._added_to_project(hcl, remedy, recipe)
        scanned, body = hcl.block_at(self._start(remedy.at))
        if scanned.type != "resource" or scanned.labels[0] != remedy.type:
            raise RefusedError("another resource stands there")
        if recipe.where == "companion":
            return self._companion(hcl, scanned, body, recipe)
        changes = {path: _filled(value, hcl, body) for path, value in recipe.set.items()}
        return merge(hcl, body, wanted_tree(changes, recipe.add))

    def _companion(self, hcl: Hcl, scanned: ScannedBlock, body: Spot, recipe: Recipe) -> list[Splice]:
        """Write into the one companion of a resource, or put one after it."""
        if not body.entries.keys().isdisjoint(_REPEATED):
            raise RefusedError(f"count or for_each makes several of it, and its {recipe.type} has to follow them")
        kind, name = scanned.labels
        companions = self._companions(scanned.document.path, recipe)
        literal = _literal_name(body, recipe.by)
        found = [*companions.get(f"{kind}.{name}", ()), *(companions.get(f'"{literal}"', ()) if literal else ())]
        if len(found) > 1:
            raise RefusedError(f"it has several resources of the type {recipe.type}")
        if found:
            other, spot = found[0]
            if not spot.entries.keys().isdisjoint(_REPEATED):
                raise RefusedError(f"count or for_each makes several of its {recipe.type}")
            return merge(other, spot, wanted_tree(recipe.set, recipe.add))
        label = self._free_label(scanned.document.path, recipe.type, name)
        reference = {"expression": f"{kind}.{name}.{recipe.reference}"}
        return hcl.after(scanned, recipe.type, label, {recipe.by: reference, **_plain_tree(recipe)})

    def _companions(self, path: str, recipe: Recipe) -> Mapping[str, Sequence[tuple[Hcl, Spot]]]:
        """Give the companions in the same folder, by the address or the name of the resource that they are for."""
        key = (path.rpartition("/")[0], recipe.type, recipe.by)
        if key not in self._named:
            found: dict[str, list[tuple[Hcl, Spot]]] = {}
            for hcl, block in self._beside(path, recipe.type):
                spot = hcl.block_at(block.start)[1] if block.labels[0] == recipe.type else None
                by = spot.entries.get(recipe.by) if spot is not None else None
                if spot is None or by is None:
                    continue
                names = [f'"{by.content}"'] if isinstance(by.content, str) else []
                names += _ADDRESS.findall(block.document.text, by.start, by.end)
                for name in dict.fromkeys(names):
                    found.setdefault(name, []).append((hcl, spot))
            self._named[key] = found
        return self._named[key]

    def _beside(self, path: str, kind: str) -> Iterator[tuple[Hcl, ScannedBlock]]:
        """Give the resources of every file of a folder."""
        folder = path.rpartition("/")[0]
        for other in self._documents:
            if other.rpartition("/")[0] == folder and other.endswith(_HCL):
                hcl = self._hcl(other, kind)
                yield from ((hcl, block) for block in hcl.scanned() if block.type == "resource" and block.labels)

    def _free_label(self, path: str, kind: str, name: str) -> str:
        folder = path.rpartition("/")[0]
        if folder not in self._labels:
            self._labels[folder] = frozenset(block.labels for _, block in self._beside(path, kind))
        free = (one for one in (name, f"{name}_{kind.rpartition('_')[2]}") if (kind, one) not in self._labels[folder])
        label = next(free, None)
        if label is None:
            raise RefusedError(f"the name {kind}.{name} is taken")
        return label

    def _added_to_project(self, hcl: Hcl, remedy: Remedy, recipe: Recipe) -> list[Splice]:
        start = self._start(remedy.at)
        block = next((one for one in hcl.scanned() if one.start <= start < one.end), None)
        if block is None:
            raise RefusedError("no block stands there")
        label = self._free_label(remedy.at.path, recipe.type, recipe.name)
        return hcl.after(block, recipe.type, label, _plain_tree(recipe))

    def _project_template(self, remedy: Remedy, recipe: Recipe) -> list[Splice]:
        markup = self._markup(remedy.at.path)
        start = self._start(remedy.at)
        if remedy.at.path.endswith(_JSON):
            body = {"resource": {recipe.type: {recipe.name: _plain_tree(recipe)}}}
            return merge(markup, markup.roots[0], body)
        for root in markup.roots:
            resources = root.entries.get("Resources")
            if resources is not None and root.start <= start < root.end:
                if recipe.name in resources.entries:
                    raise RefusedError(f"the name {recipe.name} is taken")
                made = {"Type": recipe.type, "Properties": _plain_tree(recipe)}
                return merge(markup, resources, {recipe.name: made})
        raise RefusedError("no resources stand in that file")

    def _in_parameter(self, remedy: Remedy, recipe: Recipe) -> list[Splice]:
        place = remedy.parameter
        if place is None:
            raise RefusedError("no parameter chooses it")
        tree = wanted_tree(recipe.set, recipe.add)
        if place.path.endswith(_HCL):
            hcl = self._hcl(place.path, "")
            scanned, body = hcl.block_at(self._start(place))
            if scanned.type != "variable":
                raise RefusedError("no variable stands there")
            return merge(hcl, body, tree)
        markup = self._markup(place.path)
        for root in markup.roots:
            section = root.entries.get("variable" if place.path.endswith(_JSON) else "Parameters")
            for spot in section.entries.values() if section is not None else ():
                if spot.key is not None and spot.key[0] == self._start(place):
                    return merge(markup, spot, tree)
        raise RefusedError("no parameter stands there")

    def _replaced(self, remedy: Remedy, found: Span) -> list[Splice]:
        """Write another value instead of the one that was found, where that is a literal of a resource."""
        if not found.path.endswith(_HCL):
            markup = self._markup(found.path)
            spot = _scalar_at(markup, markup.offsets(found), found.path.endswith(_JSON))
            if spot is None or spot.content != remedy.found_value:
                raise RefusedError(f"the value is not written in the resource (line {found.line})")
            return markup.replace(spot, remedy.replace)
        hcl = self._hcl(found.path, remedy.type)
        start, document = self._start(found), self._documents[found.path]
        end = document.line_starts()[found.end_line - 1] + found.end_column - 1
        written = document.text[start:end]
        block = next((one for one in hcl.scanned() if one.start <= start < one.end), None)
        if block is None or block.type != "resource" or _LITERAL.fullmatch(written) is None:
            raise RefusedError(f"the value is not written in the resource (line {found.line})")
        if written.strip('"') != text_of(remedy.found_value) or any(
            edit.start <= start < edit.end for edit in block.edits
        ):
            raise RefusedError(f"the value is not written as it is read (line {found.line})")
        if hcl.in_dynamic(hcl.block_at(block.start)[1], start):
            raise RefusedError("a dynamic block makes it")
        return hcl.replace(Spot("scalar", start, end), remedy.replace)


def _small(document: Document) -> Document:
    if len(document.text) > _LARGEST:
        raise RefusedError(f"its file is larger than {_LARGEST:,} characters")
    return document


def _plain_tree(recipe: Recipe) -> dict[str, object]:
    made = settled(wanted_tree(recipe.set, recipe.add))
    return made if isinstance(made, dict) else {}


def _resource_spot(markup: Markup, remedy: Remedy) -> tuple[str, Spot]:
    """Give the name and the text of a resource in a template or a `.tf.json` file."""
    found = markup.resources.get(markup.offsets(remedy.at)[0])
    if found is None:
        raise RefusedError("a loop, a macro or another file makes it")
    kind = found[1].entries.get("Type")
    if kind is not None and kind.content != remedy.type:
        raise RefusedError("a transform makes it of something else")
    if found[1].kind == "opaque":
        raise RefusedError(found[1].why)
    return found


def _companion_in_json(markup: Markup, name: str, remedy: Remedy, recipe: Recipe) -> list[Splice]:
    resources = markup.roots[0].entries["resource"]
    if recipe.type in resources.entries:
        raise RefusedError(f"the file has resources of the type {recipe.type} already")
    body = resources.entries[remedy.type].entries[name]
    body = body.items[0] if body.one_or_more else body
    if not body.entries.keys().isdisjoint(_REPEATED):
        raise RefusedError(f"count or for_each makes several of it, and its {recipe.type} has to follow them")
    reference = {"expression": f"{remedy.type}.{name}.{recipe.reference}"}
    return merge(markup, resources, {recipe.type: {name: {recipe.by: reference, **_plain_tree(recipe)}}})


def _literal_name(body: Spot, by: str) -> str:
    """Give the name of a resource where it is written out: that of the argument that its companions use, or `name`."""
    named = (body.entries.get(one) for one in (by, "name"))
    return next((one.content for one in named if one is not None and isinstance(one.content, str)), "")


def _scalar_at(markup: Markup, place: tuple[int, int], templates: bool) -> Spot | None:  # noqa: FBT001
    for root in markup.roots:
        resources = root.entries.get("resource" if templates else "Resources")
        waiting = [resources] if resources is not None else []
        while waiting:
            spot = waiting.pop()
            if not spot.start <= place[0] <= spot.end:
                continue
            if spot.shared:
                raise RefusedError(spot.why)
            if spot.kind == "scalar" and (spot.start, spot.end) == place:
                return spot
            waiting += [*spot.entries.values(), *spot.items]
    return None


def _filled(value: object, hcl: Hcl, body: Spot) -> object:
    """Fill in what is written beside another value of the resource."""
    if isinstance(value, Mapping) and value_form(value) == "beside":
        spot: Spot | None = body
        for key in str(value["beside"]).split("."):
            spot = spot.items[0] if spot is not None and spot.one_or_more and len(spot.items) == 1 else spot
            spot = spot.entries.get(key) if spot is not None else None
        if spot is None:
            raise RefusedError(f"it has no {value['beside']}, beside which the rest would stand")
        if isinstance(spot.content, str):
            return spot.content.rstrip("/") + str(value["then"])
        text = hcl.expression_of(spot)
        if text is None:
            raise RefusedError(f"its {value['beside']} is an expression")
        return {"expression": f'"{text.rstrip("/")}{value["then"]}"'}
    if isinstance(value, Mapping) and not value_form(value):
        return {key: _filled(below, hcl, body) for key, below in value.items()}
    return value
