"""CloudFormation templates to raw projects."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import PurePosixPath

from mlguard.errors import ParseError
from mlguard.parse.cloudformation.exports import Exports
from mlguard.parse.cloudformation.locate import locator
from mlguard.parse.cloudformation.parameter_files import Given, read_parameter_file, with_environment
from mlguard.parse.cloudformation.parameters import not_allowed
from mlguard.parse.cloudformation.sniff import is_template, looks_like_template, may_nest
from mlguard.parse.cloudformation.template import Surroundings, Template
from mlguard.parse.markup import load_markup
from mlguard.resource import RawProject
from mlguard.source import Document, Root
from mlguard.value import Entries, Node

__all__ = [
    "Exports",
    "Given",
    "is_template",
    "load",
    "looks_like_template",
    "may_nest",
    "read_parameter_file",
    "with_environment",
]


def load(
    root: Root,
    document: Document,
    wanted: Callable[[str], bool],
    given: Given | None = None,
    region: str = "",
    exports: Exports | None = None,
) -> list[RawProject]:
    """Read each template of a file; none when the file holds something else.

    `given` is what a user says of the deployment, `exports` what other templates export. Raises ParseError or
    LimitError when the text cannot be read.
    """
    templates = [node for node in load_markup(document) if is_template(node)]
    return [
        _project(root, document, node, wanted, given or Given(), region, exports, f"#{index}" if index else "")
        for index, node in enumerate(templates)
    ]


def _project(  # noqa: PLR0913, PLR0917  (what is known of a template when its file has been read)
    root: Root,
    document: Document,
    node: Node,
    wanted: Callable[[str], bool],
    given: Given,
    region: str,
    exports: Exports | None,
    suffix: str,
) -> RawProject:
    around = Surroundings(root, region, wanted, locator(root))
    around.documents = {one.document.path: one.document for one in given.files_for(document.path)}
    around.documents[document.path] = document
    around.tags = given.tags(document.path)
    around.stack = given.stack(document.path)
    if exports is not None:
        around.exports = partial(exports.find, document.path)
    template = Template(node, document.path, around, given=given.parameters(document.path))
    section = template.section("Resources")
    if section is not None and not isinstance(section.content, Entries):
        at = section.key_span or section.span
        around.problems.append(ParseError("Resources is not a mapping", at.path, at.line, at.column))
    resources = tuple(template.resources())
    given.declared.update(template.declared)
    around.notes.extend(not_allowed(template.declared))
    names = reversed(PurePosixPath(document.path).with_suffix("").parts)
    return RawProject(
        dialect="cloudformation",
        path=f"{document.path}{suffix}",
        resources=resources,
        documents={path: one.hiding(around.secrets) for path, one in around.documents.items()},
        gaps=tuple(around.gaps),
        parameters=template.parameters(),
        names=(around.stack, *names) if around.stack else tuple(names),
        problems=tuple(around.problems),
        notes=tuple(around.notes),
        files=tuple(around.documents),
        stack=around.stack,
    )
