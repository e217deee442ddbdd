"""Parse, before a project is handed over, every block that its resources may ask for: what is broken is told then."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from mlguard.parse.terraform import policy_document, template_file
from mlguard.parse.terraform.configuration import Configuration
from mlguard.parse.terraform.modules import Modules
from mlguard.parse.terraform.scanner import ScannedBlock
from mlguard.parse.terraform.syntax import Argument, Attribute, Block, Expression, Index, Name
from mlguard.record import field_names
from mlguard.source import Document

_EVALUATED = (policy_document.KIND, template_file.KIND)
_PLAIN = frozenset(("int", "str", "bool", "list[str]", "str | int | float | bool | None", "Document"))


def references(written: Block | Argument) -> Iterator[tuple[str, ...]]:
    """Give the begin of every reference in a block or argument: `("var", "size")`, `("module", "m", "id")`."""
    waiting: list[Any] = [written]
    while waiting:
        part = waiting.pop()
        kind = part.__class__
        if kind is list or kind is tuple:
            waiting.extend(part)
        elif kind is Attribute or kind is Index:
            words, head = _words(part)
            if isinstance(head, Name):
                yield (head.name, *words)
            else:
                waiting.append(head)
            waiting.extend(_keys(part))
        elif kind is dict:
            waiting.extend(part.values())
        else:
            waiting.extend([getattr(part, name) for name in _parts(kind)])


@cache
def _parts(kind: type) -> tuple[str, ...]:
    """Name the fields of an element of the syntax that may hold others."""
    if issubclass(kind, Document):
        return ()
    return tuple(name for name in field_names(kind) if kind.__annotations__[name] not in _PLAIN)


def _words(expression: Expression) -> tuple[list[str], Expression]:
    words: list[str] = []
    while isinstance(expression, Attribute | Index):
        if isinstance(expression, Attribute):
            words.append(expression.name)
        expression = expression.target
    return words[::-1][:3], expression


def _keys(expression: Expression) -> Iterator[Expression]:
    while isinstance(expression, Attribute | Index):
        if isinstance(expression, Index):
            yield expression.key
        expression = expression.target


class Closure:
    """Parses the variables, locals and outputs that blocks lead to, each once."""

    def __init__(self, modules: Modules) -> None:
        self._modules = modules
        self._seen: set[tuple[str, tuple[str, ...]]] = set()

    def read_all(self, blocks: Iterable[ScannedBlock], configuration: Configuration) -> None:
        """Parse blocks, and what they lead to; what a module that is not here is given need not be known."""
        for scanned in blocks:
            block = configuration.block(scanned)
            if block is not None and not self._modules.lacks(scanned):
                self.read(block, configuration)

    def read(self, block: Block, configuration: Configuration) -> None:
        """Parse all that a block leads to."""
        waiting: list[tuple[Block | Argument, Configuration]] = [(block, configuration)]
        while waiting:
            here, inside = waiting.pop()
            for words in inside.remembered(here, references):
                if len(words) > 1 and (inside.folder, words) not in self._seen:
                    self._seen.add((inside.folder, words))
                    waiting.extend(self._named(words, inside))

    def _named(self, words: tuple[str, ...], inside: Configuration) -> Iterator[tuple[Block | Argument, Configuration]]:
        if words[0] == "var" or (words[0] == "data" and words[1] in _EVALUATED):
            found = inside.named("variable", words[1]) if words[0] == "var" else inside.named(*words)
            if found:
                yield found, inside
        elif words[0] == "local":
            argument = inside.locals().get(words[1])
            if argument:
                yield argument, inside
        elif words[0] == "module":
            scanned = inside.first("module", words[1])
            call = inside.block(scanned) if scanned is not None and not self._modules.lacks(scanned) else None
            if call is not None:
                yield call, inside
            for folder in sorted(self._modules.configurations):
                below = self._modules.configurations[folder]
                for name in words[2:]:
                    found = below.named("output", name)
                    if found:
                        yield found, below
