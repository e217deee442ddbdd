"""The configuration in one folder: its files, an index of their blocks, and the blocks that somebody asked for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from mlguard.errors import MlguardError
from mlguard.parse.terraform.reader import read_block
from mlguard.parse.terraform.scanner import Scanned, ScannedBlock, blanked, scan
from mlguard.parse.terraform.syntax import Argument, Block
from mlguard.source import Document, Root

_SUFFIXES = (".tf", ".tofu", ".tf.json", ".tofu.json")
_SOURCE = re.compile(r'[{\n][ \t]*source[ \t]*=[ \t]*"([^"$%\\\n]*)"')
_REPEATS = re.compile(r"[{\n][ \t]*(?:count|for_each)[ \t]*=")
_CONFIGURES = re.compile(r'[{\n,][ \t]*(?!"?(?:alias|version)\b)"?[\w-]+"?[ \t]*[={:]')
_BACKEND = re.compile(r'\bbackend[ \t]+"|\bcloud[ \t]*\{|"(?:backend|cloud)"[ \t]*:')


class Configuration:
    """The blocks of a folder, by type and labels; each is parsed when it is first asked for, and only then."""

    def __init__(self, root: Root | None, folder: str) -> None:
        self.folder = folder
        self.documents: dict[str, Document] = {}
        self.problems: list[MlguardError] = []
        self.index: dict[tuple[str, ...], list[ScannedBlock]] = {}
        self._overrides: dict[tuple[str, ...], list[ScannedBlock]] = {}
        self._parsed: dict[tuple[str, int], Block | None] = {}
        self._merged: dict[tuple[str, int], Block | None] = {}
        self._locals: dict[str, Argument] | None = None
        self._found: dict[int, tuple[Block | Argument, tuple[tuple[str, ...], ...]]] = {}
        if root is None:
            return
        for name in _file_names(root.names(folder)):
            path = f"{folder}/{name}" if folder else name
            if root.is_file(path):  # a folder, link or pipe of such a name is counted as skipped where it was found
                self._add(root, path)

    @classmethod
    def empty(cls) -> Configuration:
        """Give a configuration without blocks, in which a template file is evaluated."""
        return cls(None, "")

    def _add(self, root: Root, path: str) -> None:
        try:
            document = root.read(path)
        except MlguardError as error:
            self.problems.append(error)
            return
        self.documents[path] = document
        scanned = self._json(document) if path.endswith(".json") else scan(document)
        self.problems.extend(scanned.problems)
        index = self._overrides if _is_override(path) else self.index
        for block in scanned.blocks:
            index.setdefault((block.type, *block.labels), []).append(block)

    def _json(self, document: Document) -> Scanned:
        from mlguard.parse.terraform.json_syntax import blocks_of  # noqa: PLC0415  (few projects have such files)

        scanned = Scanned()
        try:
            for block in blocks_of(document):
                labels = tuple(block.labels)
                scanned.blocks.append(
                    ScannedBlock(document, block.type, labels, block.start, block.end, block.header_end, ())
                )
                self._parsed[document.path, block.start] = block
        except MlguardError as error:
            self.problems.append(error)
        return scanned

    def scanned(self, kind: str) -> Iterator[ScannedBlock]:
        """Give the blocks of one type, in the order of files and lines."""
        for key, blocks in self.index.items():
            if key[0] == kind:
                yield from blocks

    def first(self, *key: str) -> ScannedBlock | None:
        """Give the block of a type with these labels."""
        return next(iter(self.index.get(key, ())), None)

    def block(self, scanned: ScannedBlock) -> Block | None:
        """Parse a block and merge what override files say; None where it cannot be parsed, which is then a problem."""
        place = (scanned.document.path, scanned.start)
        if place not in self._merged:
            block = self._parse(scanned)
            for override in self._overrides.get((scanned.type, *scanned.labels), ()):
                replacement = self._parse(override)
                if block is not None and replacement is not None and _speaks_of(replacement, block):
                    block = _overridden(block, replacement)
            self._merged[place] = block
        return self._merged[place]

    def named(self, *key: str) -> Block | None:
        """Parse the first block of a type with these labels; None where there is none, or it cannot be parsed."""
        scanned = self.first(*key)
        return None if scanned is None else self.block(scanned)

    def locals(self) -> Mapping[str, Argument]:
        """Give the local values by name."""
        if self._locals is None:
            self._locals = {}
            for scanned in [*self.scanned("locals"), *self._overrides.get(("locals",), ())]:
                block = self._parse(scanned)
                self._locals.update(block.arguments if block else {})
        return self._locals

    def remembered(
        self, part: Block | Argument, find: Callable[[Block | Argument], Iterable[tuple[str, ...]]]
    ) -> tuple[tuple[str, ...], ...]:
        """Give what `find` finds in a part of this configuration, looking once however many projects use the folder."""
        if id(part) not in self._found:  # the part is kept too, so that no other can have its id
            self._found[id(part)] = (part, tuple(dict.fromkeys(find(part))))
        return self._found[id(part)][1]

    def providers(self, name: str) -> Iterable[Block]:
        """Give the configurations of a provider."""
        blocks = (self.block(scanned) for scanned in self.index.get(("provider", name), ()))
        return tuple(block for block in blocks if block is not None)

    def _parse(self, scanned: ScannedBlock) -> Block | None:
        place = (scanned.document.path, scanned.start)
        if place not in self._parsed:
            try:
                self._parsed[place] = read_block(scanned)
            except MlguardError as error:
                self.problems.append(error)
                self._parsed[place] = None
        return self._parsed[place]

    def sources(self) -> Iterator[tuple[ScannedBlock, str]]:
        """Give each module call and its source, without parsing; an empty text where it is not a literal."""
        for scanned in self.scanned("module"):
            yield scanned, self.source(scanned)

    def source(self, scanned: ScannedBlock) -> str:
        """Give the source of a module call, parsed only where that is not plain to see."""
        overridden = (scanned.type, *scanned.labels) in self._overrides
        if not overridden and (scanned.document.path, scanned.start) not in self._parsed:
            found = _SOURCE.findall(code(scanned))
            if len(found) == 1:
                return str(found[0])
        block = self.block(scanned)
        value = getattr(getattr(block.arguments.get("source"), "value", None), "value", "") if block else ""
        return value if isinstance(value, str) else ""

    def stands_alone(self) -> bool:
        """Tell whether the folder has a backend or configures a provider: then it is deployed as it is."""
        if any(_CONFIGURES.search(code(scanned)) for scanned in self.scanned("provider")):
            return True
        return any(_BACKEND.search(code(scanned)) for scanned in self.scanned("terraform"))

    def repeats(self, scanned: ScannedBlock) -> bool:
        """Tell whether a block has `count` or `for_each`, without parsing it when it has not."""
        place = (scanned.document.path, scanned.start)
        overridden = (scanned.type, *scanned.labels) in self._overrides
        if not overridden and place not in self._parsed and _REPEATS.search(code(scanned)) is None:
            return False
        block = self.block(scanned)
        return block is not None and not block.arguments.keys().isdisjoint(("count", "for_each"))


def code(scanned: ScannedBlock) -> str:
    """Give the text of a block without its comments and heredocs."""
    return blanked(scanned.document.text, scanned.start, scanned.end, scanned.edits)


def _file_names(names: list[str]) -> list[str]:
    """Choose the files that Terraform or OpenTofu reads: overrides last, `x.tofu` instead of `x.tf`."""
    found = [name for name in names if name.endswith(_SUFFIXES) and name[0] not in ".#" and name[-1] not in "~#"]
    shadowed = {
        name.removesuffix(tofu) + terraform
        for tofu, terraform in ((".tofu", ".tf"), (".tofu.json", ".tf.json"))
        for name in found
        if name.endswith(tofu)
    }
    return sorted((name for name in found if name not in shadowed), key=lambda name: (_is_override(name), name))


def _is_override(path: str) -> bool:
    name = path.rsplit("/", 1)[-1]
    stem = next(name.removesuffix(suffix) for suffix in (*_SUFFIXES[2:], *_SUFFIXES[:2]) if name.endswith(suffix))
    return stem == "override" or stem.endswith("_override")


def _speaks_of(override: Block, block: Block) -> bool:
    """Tell whether an override is meant for a block: of several configurations of a provider, for that of its alias."""
    return block.type != "provider" or alias_of(override) == alias_of(block)


def alias_of(block: Block) -> object:
    """Give the alias of a provider configuration, an empty text where it has none."""
    alias = block.arguments.get("alias")
    return getattr(alias.value, "value", None) if alias else ""


def _overridden(block: Block, override: Block) -> Block:
    """Replace arguments by name, and nested blocks by type, as override files do.

    A `dynamic` block is of the type that it generates. The validations of a variable stay as they are.
    """
    replaced = {_generated(inner) for inner in override.blocks} | override.arguments.keys()  # JSON has only arguments
    kept = {name: given for name, given in block.arguments.items() if name not in replaced}
    arguments = {**kept, **override.arguments}
    blocks = [inner for inner in block.blocks if _generated(inner) not in replaced] + override.blocks
    if block.type == "variable":
        blocks = block.blocks
    return Block(block.document, block.start, block.end, block.header_end, block.type, block.labels, arguments, blocks)


def _generated(block: Block) -> str:
    return block.labels[0] if block.type == "dynamic" and block.labels else block.type
