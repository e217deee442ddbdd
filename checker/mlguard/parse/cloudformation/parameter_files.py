"""Files that say with which parameters, tags and region a template is deployed.

Four forms are read: the list of the AWS command line (`ParameterKey`, `ParameterValue`), CodePipeline's template
configuration (`Parameters`, `Tags`), the deployment file of Git sync (`template-file-path`, `parameters`, `tags`), and
the configuration of the SAM command line (`samconfig.toml` or `.yaml`, one table an environment).
"""

from __future__ import annotations

from collections.abc import Mapping

from mlguard.errors import ParseError
from mlguard.parse.cloudformation.expressions import intrinsic
from mlguard.parse.cloudformation.samconfig import assignments, deployment, is_samconfig
from mlguard.parse.markup import load_markup
from mlguard.record import field, record, replace
from mlguard.source import Document, Root, Span
from mlguard.value import Entries, Items, Node, Unknown, text_of

_LIMIT = 1_000_000
_FORMS = (
    'not a parameter file: wanted a list of "ParameterKey" and "ParameterValue", a mapping with "Parameters", '
    'a deployment file with "parameters", or a samconfig'
)
_ON_THE_COMMAND_LINE = Span("", 0, 0, 0, 0)


@record(eq=False)
class ParameterFile:
    """What one file says; `template` is the path of the template that it is for, empty when it is for any."""

    document: Document
    parameters: Mapping[str, Node]
    tags: Node | None = None
    region: str = ""
    template: str = ""
    stack: str = ""


@record(eq=False)
class Given:
    """What a user says of the deployment: files in order, and single values, which win over them.

    `declared` gathers the parameters that the templates read with it declare.
    """

    files: tuple[ParameterFile, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict)
    declared: set[str] = field(default_factory=set)

    def files_for(self, template: str) -> tuple[ParameterFile, ...]:
        """Give the files that are for a template."""
        return tuple(one for one in self.files if one.template in ("", template))

    def concerning(self, template: str, declared: set[str]) -> Given | None:
        """Give what is for a template with these parameters; None where no file is.

        A file that names no template is for those that declare all that it sets: CloudFormation refuses others.
        """
        own = tuple(
            one
            for one in self.files
            if one.template == template or (not one.template and one.parameters and one.parameters.keys() <= declared)
        )
        return Given(own) if own else None

    def parameters(self, template: str) -> dict[str, Node]:
        """Give the values for a template, those of later files before those of earlier ones."""
        found: dict[str, Node] = {}
        for one in self.files_for(template):
            found.update(one.parameters)
        return found | {name: Node(value, _ON_THE_COMMAND_LINE) for name, value in self.values.items()}

    def tags(self, template: str) -> Node | None:
        """Give the tags of the stack, those of all files together."""
        listed = [one.tags for one in self.files_for(template) if one.tags is not None]
        nodes: dict[str, Node] = {}
        for tags in listed:
            nodes.update(tags.content.nodes if isinstance(tags.content, Entries) else {})
        return replace(listed[-1], content=Entries(nodes)) if listed else None

    def region(self, template: str) -> str:
        """Give the region that a file names, empty when none does."""
        return next((one.region for one in reversed(self.files_for(template)) if one.region), "")

    def stack(self, template: str) -> str:
        """Give the name of the stack, empty when no file names it."""
        return next((one.stack for one in reversed(self.files_for(template)) if one.stack), "")

    def unknown_names(self) -> list[str]:
        """Say which given values no template has a parameter for."""
        notes = [
            f"{node.place.path}:{node.place.line}: no template has a parameter {name}"
            for one in self.files
            for name, node in one.parameters.items()
            if name not in self.declared
        ]
        return notes + [f"no template has a parameter {name}" for name in self.values if name not in self.declared]


def with_environment(written: str) -> tuple[str, str]:
    """Take `samconfig.toml:prod` apart: the file, and the environment whose table is meant, empty where none is."""
    name, colon, environment = written.rpartition(":")
    is_pair = bool(colon) and name.lower().endswith((".toml", ".yaml", ".yml"))
    return (name, environment) if is_pair else (written, "")


def read_parameter_file(root: Root, path: str, environment: str = "") -> ParameterFile:
    """Read a file of any of the forms; `environment` is the table of a samconfig, `default` by default.

    Raises SourceError when it cannot be read, ParseError with the line where it is none of the forms.
    """
    document = root.read(path, _LIMIT)
    if path.lower().endswith(".toml"):
        from mlguard.parse.toml_document import load_toml  # noqa: PLC0415  (few repositories have such a file)

        return _samconfig(root, document, load_toml(document), environment)
    nodes = load_markup(document)
    if len(nodes) != 1:
        raise ParseError(f"{_FORMS}; found {len(nodes)} documents", path, nodes[1].span.line if nodes else 1)
    node = nodes[0]
    if isinstance(node.content, Items):
        return ParameterFile(document, _listed(node))
    if not isinstance(node.content, Entries):
        raise _wrong(_FORMS, node)
    fields = node.content.nodes
    if "Resources" in fields:
        raise _wrong("a template, not a file with parameters for one", node)
    if is_samconfig(fields):
        return _samconfig(root, document, node, environment)
    if "Parameters" in fields:
        return _configuration(document, fields)
    if "parameters" in fields or "template-file-path" in fields:
        return _git_sync(root, document, fields)
    raise _wrong(_FORMS, node)


def _listed(node: Node) -> dict[str, Node]:
    """Read the form of the AWS command line; `["Name=value"]`, which `deploy` takes, counts as well."""
    found: dict[str, Node] = {}
    for item in node.content.nodes if isinstance(node.content, Items) else ():
        if isinstance(item.content, str) and "=" in item.content:
            pairs = assignments(item.content, item.span)
        elif isinstance(item.content, Entries) and "ParameterKey" in item.content.nodes:
            pairs = _pair(item.content.nodes, item)
        else:
            raise _wrong('every item needs "ParameterKey" and "ParameterValue"', item)
        for name, value in pairs.items():
            if name in found:
                raise _wrong(f"the parameter {name} is given twice (first at line {found[name].place.line})", item)
            found[name] = value
    return found


def _pair(fields: Mapping[str, Node], item: Node) -> dict[str, Node]:
    name = text_of(fields["ParameterKey"].content)
    if not name:
        raise _wrong('"ParameterKey" must be the name of a parameter', fields["ParameterKey"])
    if "ParameterValue" in fields:
        return {name: _value(name, fields["ParameterValue"])}
    previous = fields.get("UsePreviousValue")
    if previous is not None and text_of(previous.content) == "true":
        return {name: replace(item, content=Unknown(f"parameter {name} keeps the value of the last deployment"))}
    raise _wrong(f'the parameter {name} has neither "ParameterValue" nor "UsePreviousValue"', item)


def _value(name: str, node: Node) -> Node:
    if intrinsic(node) is not None:
        return replace(node, content=Unknown(f"parameter {name} is filled in by the pipeline"))
    nodes = node.content.nodes if isinstance(node.content, Items) else (node,)
    if any(text_of(one.content) is None for one in nodes):
        raise _wrong(f"the value of parameter {name} must be a text", node)
    return node


def _configuration(document: Document, fields: Mapping[str, Node]) -> ParameterFile:
    """Read CodePipeline's template configuration; the input file of `create-stack` differs in its lists only."""
    parameters = fields["Parameters"]
    stack = fields.get("StackName")
    values = _listed(parameters) if isinstance(parameters.content, Items) else _named(parameters, "Parameters")
    return ParameterFile(document, values, _tags(fields.get("Tags")), stack=_text(stack) if stack else "")


def _named(node: Node | None, what: str) -> dict[str, Node]:
    if node is None or node.content is None:
        return {}
    if not isinstance(node.content, Entries):
        raise _wrong(f'"{what}" must be a mapping of names to values', node)
    return {name: _value(name, value) for name, value in node.content.nodes.items()}


def _tags(node: Node | None) -> Node | None:
    """Read tags: a mapping, or a list of `Key` and `Value`."""
    if node is None or node.content is None:
        return None
    if isinstance(node.content, Items):
        tags: dict[str, Node] = {}
        for item in node.content.nodes:
            fields = item.content.nodes if isinstance(item.content, Entries) else {}
            if "Key" not in fields or "Value" not in fields:
                raise _wrong('every tag needs "Key" and "Value"', item)
            tags[_text(fields["Key"])] = fields["Value"]
        return replace(node, content=Entries(tags))
    if isinstance(node.content, Entries):
        return node
    raise _wrong("tags must be a mapping of names to values", node)


def _git_sync(root: Root, document: Document, fields: Mapping[str, Node]) -> ParameterFile:
    named = fields.get("template-file-path")
    template = _template(root, "", _text(named)) if named is not None else ""
    if named is not None and not template:
        raise _wrong(f'there is no template "{_text(named)[:200]}" in the repository', named)
    return ParameterFile(
        document, _named(fields.get("parameters"), "parameters"), _tags(fields.get("tags")), "", template
    )


def _samconfig(root: Root, document: Document, node: Node, environment: str) -> ParameterFile:
    said = deployment(node, document.path, environment)
    folder = document.path.rpartition("/")[0]
    return ParameterFile(
        document,
        {name: _value(name, value) for name, value in said.parameters.items()},
        Node(Entries(said.tags), node.span) if said.tags else None,
        said.region,
        _template(root, folder, said.template),
        said.stack,
    )


def _template(root: Root, folder: str, named: str) -> str:
    """Give the path of a template that a file names; empty when there is no such file."""
    found = root.resolve(folder, named.removeprefix("file://")) if named else None
    return found if found is not None and root.is_file(found) else ""


def _text(node: Node) -> str:
    text = text_of(node.content)
    if text is None:
        raise _wrong("wanted a text here", node)
    return text


def _wrong(message: str, node: Node) -> ParseError:
    at = node.place
    return ParseError(message, at.path, at.line, at.column)
