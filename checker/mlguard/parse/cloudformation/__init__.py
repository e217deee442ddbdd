"""CloudFormation templates to raw projects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import PurePosixPath

from mlguard.errors import ParseError
from mlguard.parse.cloudformation.inner_stacks import local_path
from mlguard.parse.cloudformation.sniff import is_template, looks_like_template
from mlguard.parse.cloudformation.template import Surroundings, Template
from mlguard.parse.markup import load_markup
from mlguard.resource import RawProject
from mlguard.source import Document, Root
from mlguard.value import Entries, Node

__all__ = ["is_template", "load", "looks_like_template"]


def load(
    root: Root,
    document: Document,
    wanted: Callable[[str], bool],
    given: Mapping[str, Node] | None = None,
    region: str = "",
) -> list[RawProject]:
    """Read each template of a file; none when the file holds something else.

    `given` are parameter values that a user chose. Raises ParseError or LimitError when the text cannot be read.
    """
    templates = [node for node in load_markup(document) if is_template(node)]
    return [
        _project(root, document, node, wanted, given or {}, region, f"#{index}" if index else "")
        for index, node in enumerate(templates)
    ]


def _project(  # noqa: PLR0913, PLR0917  (what is known of a template when its file has been read)
    root: Root,
    document: Document,
    node: Node,
    wanted: Callable[[str], bool],
    given: Mapping[str, Node],
    region: str,
    suffix: str,
) -> RawProject:
    around = Surroundings(root, region, wanted, _locator(root))
    around.documents[document.path] = document
    template = Template(node, document.path, around, given=given)
    section = template.section("Resources")
    if section is not None and not isinstance(section.content, Entries):
        at = section.key_span or section.span
        around.problems.append(ParseError("Resources is not a mapping", at.path, at.line, at.column))
    resources = tuple(template.resources())
    return RawProject(
        dialect="cloudformation",
        path=f"{document.path}{suffix}",
        resources=resources,
        documents=around.documents,
        gaps=tuple(around.gaps),
        parameters=template.parameters(),
        names=tuple(reversed(PurePosixPath(document.path).with_suffix("").parts)),
        problems=tuple(around.problems),
        files=tuple(around.documents),
    )


def _locator(root: Root) -> Callable[[str, str, Node], str | None]:
    """Follow the path of a template beside another one, as `aws cloudformation package` and `sam` read it."""

    def locate(path: str, _name: str, node: Node) -> str | None:
        written = local_path(node)
        found = root.resolve(str(PurePosixPath(path).parent), written) if written is not None else None
        return found if found is not None and root.is_file(found) else None

    return locate
