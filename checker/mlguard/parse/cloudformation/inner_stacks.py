"""Resources that deploy another template: nested stacks, applications of SAM, stack sets."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mlguard.errors import MlguardError
from mlguard.parse.inner_text import inner_text, overlaid
from mlguard.parse.markup import load_markup
from mlguard.record import field, record, replace
from mlguard.scenario import Scenario
from mlguard.source import Document, Span
from mlguard.value import Choice, Content, Entries, Items, Node, Unknown, items, settle, text_of

STACK = "AWS::CloudFormation::Stack"
APPLICATION = "AWS::Serverless::Application"
STACK_SET = "AWS::CloudFormation::StackSet"
_CALLED = {STACK: "nested stack", APPLICATION: "application", STACK_SET: "stack set"}
_LOCATION = {STACK: "TemplateURL", APPLICATION: "Location", STACK_SET: "TemplateURL"}
_MAX_SHOWN = 100
_MAX_DEPTH = 200
_HOLE = "mlguard-unknown-part"


@record()
class InnerStack:
    """What a resource says of the template that it deploys.

    `regions` are those of a stack set, empty when they are not known; None when the stack is deployed beside its
    parent.
    """

    called: str
    location: Node | None
    body: Node | None = None
    parameters: Mapping[str, Node] = field(default_factory=dict)
    tags: Node | None = None
    regions: tuple[str, ...] | None = None

    @property
    def elsewhere(self) -> str:
        """Say where the template is when it is no file of the repository."""
        content = self.location.content if self.location is not None else None
        if isinstance(content, str):
            return f"at {content[:_MAX_SHOWN]}"
        if isinstance(content, Entries) and "ApplicationId" in content.nodes:
            written = text_of(content.nodes["ApplicationId"].content) or "an id that is chosen at deployment"
            return f"in the Serverless Application Repository: {written[:_MAX_SHOWN]}"
        return "at a place that is chosen at deployment" if content is not None else "elsewhere"


def is_inner_stack(kind: str) -> bool:
    """Tell whether resources of this type deploy a template."""
    return kind in _CALLED


def local_path(node: Node) -> str | None:
    """Give the path that a resource has for its template, None where it has none or another sort of address."""
    fields = _entries(node)
    kind = text_of(fields["Type"].content) if "Type" in fields else None
    properties = _entries(fields.get("Properties"))
    location = properties.get(_LOCATION.get(kind or "", STACK))
    path = location.content if location is not None else None
    if not isinstance(path, str):
        path = _rain_path(location) or _rain_path(properties.get("TemplateBody"))
    return path if isinstance(path, str) and "://" not in path else None


def _rain_path(node: Node | None) -> str | None:
    """Give the file that a directive of Rain names: `!Rain::S3Http path` uploads it, `!Rain::Embed path` puts it in."""
    fields = _entries(node)
    name, argument = next(iter(fields.items()), ("", None))
    if len(fields) != 1 or argument is None or "Rain::" not in name or not isinstance(argument.content, str):
        return None
    return argument.content


def describe(kind: str, properties: Mapping[str, Node], wrap: Callable[[Node], Node]) -> InnerStack:
    """Read what a resource says of its template; values are those of the template around it."""
    location = properties.get(_LOCATION[kind])
    tags = wrap(properties["Tags"]) if "Tags" in properties else None
    if kind != STACK_SET:
        bound = {key: wrap(value) for key, value in _entries(properties.get("Parameters")).items()}
        return InnerStack(_CALLED[kind], location, None, bound, tags)
    groups = properties.get("StackInstancesGroup")
    listed = _nodes(wrap(groups)) if groups is not None else ()
    bound = _pairs(properties.get("Parameters"), wrap)
    for group in listed:
        for key, node in _pairs(_entries(settle(group, Scenario())).get("ParameterOverrides"), wrap).items():
            bound[key] = replace(node, content=Unknown(f'stack instances override the parameter "{key}"'))
    return InnerStack(_CALLED[kind], location, properties.get("TemplateBody"), bound, tags, _regions(listed))


def _pairs(listed: Node | None, wrap: Callable[[Node], Node]) -> dict[str, Node]:
    """Read a list of `{ParameterKey, ParameterValue}`."""
    found = {}
    for item in _nodes(listed if listed is None or isinstance(listed.content, Choice) else wrap(listed)):
        fields = _entries(settle(item, Scenario()))
        key = text_of(fields["ParameterKey"].content) if "ParameterKey" in fields else None
        if key is not None and "ParameterValue" in fields:
            found[key] = wrap(fields["ParameterValue"])
    return found


def _regions(groups: tuple[Node, ...]) -> tuple[str, ...]:
    """Give the regions of all stack instances; none where some are not known."""
    regions: dict[str, None] = {}
    for group in groups:
        listed = items(_entries(settle(group, Scenario())).get("Regions"), Scenario())
        nodes = listed.nodes if isinstance(listed, Items) and listed.rest is None else (None,)
        for node in nodes:
            region = text_of(settle(node, Scenario()).content) if node is not None else None
            if region is None:
                return ()
            regions[region] = None
    return tuple(regions)


def inline_template(body: Node, wrap: Callable[[Node], Node], document: Document | None) -> list[Node] | Unknown:
    """Read the template that a stack set holds as a text, as it is deployed by default, with its places in the file.

    Raises ParseError or LimitError when the text cannot be read.
    """
    argument = _entries(body).get("Fn::ToJsonString")
    if argument is not None:
        return [_settled(wrap(argument), 0)]
    content = settle(wrap(body), Scenario()).content
    because = content if isinstance(content, Unknown) else None
    text = because.pattern.replace("*", _HOLE) if because is not None else text_of(content)
    if text is None or text == _HOLE:
        return because or Unknown("its template is not known")
    path = body.span.path
    templates = load_markup(Document(path, text))
    written = inner_text(document, body.span) if document is not None else None
    try:
        places = load_markup(written.masked().inner) if written is not None else []
    except MlguardError:
        places = []
    at = replace(body, origins=())

    def known(scalar: Content, _span: Span) -> Content:
        if because is not None and isinstance(scalar, str) and _HOLE in scalar:
            return Unknown(because.because, scalar.replace(_HOLE, "*"), because.references)
        return scalar

    if written is None or len(places) != len(templates):
        return [overlaid(template, None, at, known) for template in templates]
    moved = (written.moved(place) for place in places)
    return [overlaid(template, place, at, known) for template, place in zip(templates, moved, strict=True)]


def _settled(node: Node, depth: int) -> Node:
    """Give a node as it is deployed by default, nothing left to be found out."""
    node = settle(node, Scenario())
    if depth > _MAX_DEPTH:
        return replace(node, content=Unknown(f"nested deeper than {_MAX_DEPTH} levels"))
    if isinstance(node.content, Entries):
        below = {key: _settled(value, depth + 1) for key, value in node.content.nodes.items()}
        return replace(node, content=Entries(below, node.content.rest))
    if isinstance(node.content, Items):
        return replace(
            node, content=Items(tuple(_settled(value, depth + 1) for value in node.content.nodes), node.content.rest)
        )
    return node


def joined_tags(outer: Node | None, inner: Node | None) -> Node | None:
    """Give the tags that reach a resource through several stacks; those of the nearest come last and win."""
    if outer is None or inner is None:
        return outer if inner is None else inner

    def join(scenario: Scenario) -> Node:
        listed = [_as_pairs(settle(node, scenario)) for node in (outer, inner)]
        return Node(Items((*listed[0].nodes, *listed[1].nodes), listed[0].rest or listed[1].rest), inner.span)

    return Node(Choice(join), inner.span)


def _as_pairs(node: Node) -> Items:
    """Give tags as a list of `{Key, Value}`; SAM writes them as a mapping."""
    content = node.content
    if isinstance(content, Items):
        return content
    if isinstance(content, Entries):
        pairs = (Entries({"Key": Node(key, node.span), "Value": value}) for key, value in content.nodes.items())
        return Items(tuple(Node(pair, node.span) for pair in pairs), content.rest)
    return Items((), content if isinstance(content, Unknown) else None)


def _entries(node: Node | None) -> Mapping[str, Node]:
    return node.content.nodes if node is not None and isinstance(node.content, Entries) else {}


def _nodes(node: Node | None) -> tuple[Node, ...]:
    content = settle(node, Scenario()).content if node is not None else None
    return content.nodes if isinstance(content, Items) else ()
