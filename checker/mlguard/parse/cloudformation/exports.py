"""Values that a stack exports and others import: `Outputs.*.Export.Name` of the templates of one scan."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlguard.errors import MlguardError
from mlguard.parse.cloudformation.locate import locator
from mlguard.parse.cloudformation.parameter_files import Given
from mlguard.parse.cloudformation.sniff import is_template
from mlguard.parse.cloudformation.template import Surroundings, Template
from mlguard.parse.markup import load_markup
from mlguard.record import field, record, replace
from mlguard.scenario import Scenario
from mlguard.source import Root
from mlguard.value import Choice, Entries, Node, Unknown, settle

_MAX_TEMPLATES = 500
_MAX_IMPORTS = 10


@record(frozen=False)
class Exports:
    """The exports of the templates at some paths, read when the first one is asked for.

    Only a name that no parameter changes is followed, and only when one template alone exports it.
    """

    root: Root
    paths: Sequence[str]
    region: str
    given: Given
    _found: dict[str, list[tuple[str, Node]]] | None = None
    _following: list[tuple[str, str]] = field(default_factory=list)

    def find(self, importer: str, name: str) -> Node | None:
        """Give the node of an exported value for a template that imports it; None where it is not to be found."""
        self.root.never_the_same()  # it may be any template that exports the name, with all that it nests
        if self._found is None:
            self._found = {}
            for path in self.paths[:_MAX_TEMPLATES]:
                for exported, node in self._read(path):
                    self._found.setdefault(exported, []).append((path, node))
        found = [(path, node) for path, node in self._found.get(name, ()) if path != importer]
        if len(found) != 1:
            return None
        node = found[0][1]
        return replace(node, content=Choice(lambda scenario: self._follow(name, node, scenario)))

    def _follow(self, name: str, node: Node, scenario: Scenario) -> Node:
        """Evaluate an export; templates that import from one another in a circle end here."""
        step = (name, node.span.path)
        if step in self._following:
            return replace(node, content=Unknown(f'the export "{name}" refers to itself'))
        if len(self._following) >= _MAX_IMPORTS:
            return replace(node, content=Unknown(f"values are imported through more than {_MAX_IMPORTS} stacks"))
        self._following.append(step)
        try:
            return settle(node, scenario)
        finally:
            self._following.pop()

    def _read(self, path: str) -> Iterator[tuple[str, Node]]:
        try:
            content = self.root.read_bytes(path)
            if b"Export" not in content.replace(b"\0", b""):
                return
            document = self.root.read(path)
            nodes = [node for node in load_markup(document) if is_template(node)]
        except MlguardError:  # reported where the template itself is scanned
            return
        for node in nodes:
            around = Surroundings(
                self.root, self.region or self.given.region(path), lambda _type: False, locator(self.root)
            )
            around.documents[path] = document
            around.stack = self.given.stack(path)
            around.exports = lambda name: self.find(path, name)
            template = Template(node, path, around, prefix=f"{path}/", given=self.given.parameters(path))
            yield from _exported(template)


def _exported(template: Template) -> Iterator[tuple[str, Node]]:
    section = template.section("Outputs")
    outputs = section.content.nodes if section is not None and isinstance(section.content, Entries) else {}
    for output, node in outputs.items():
        export = node.content.nodes.get("Export") if isinstance(node.content, Entries) else None
        named = export.content.nodes.get("Name") if export is not None and isinstance(export.content, Entries) else None
        value = template.output(output)
        if named is not None and value is not None:
            scenario = Scenario()
            name = template.evaluator.value(named, scenario).content
            if isinstance(name, str) and not scenario.decisions:
                yield name, value
