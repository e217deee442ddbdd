"""A resource as the requests that create it: what the code does not tell stays open, and says why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mlguard.knowledge.regions import partition as partition_of
from mlguard.record import field, record
from mlguard.rehearsal.calls import CALLS, GLOBAL_SERVICES, Call, Key
from mlguard.resource import Resource
from mlguard.scenario import Scenario
from mlguard.scp.actions import details
from mlguard.scp.decide import DEVELOPER, Request, Values
from mlguard.scp.matching import HOLE
from mlguard.value import Content, Entries, Items, Node, Reference, Unknown, child, items, settle, text_of
from mlguard.vocabulary.load import bundled_vocabulary
from mlguard.vocabulary.model import awscc_type
from mlguard.vocabulary.paths import walk

_ROLE = "arn:aws:iam::123456789012:role/"
_ALWAYS_THERE = "ec2:InstanceType"  # a launch has a type, whoever chooses it


@record()
class Deployer:
    """Who deploys: the principal of the requests, and the account, empty where any may be meant."""

    principal: str = DEVELOPER
    account: str = ""


@record(frozen=False)
class _Reader:
    resource: Resource
    scenario: Scenario
    deployer: Deployer
    region: Values = field(default_factory=Values)

    @property
    def cloud_control(self) -> bool:
        return self.resource.raw.type.startswith("awscc_")

    @property
    def terraform(self) -> bool:
        return self.resource.raw.format == "terraform" and not self.cloud_control

    def at(self, path: str) -> Node | None:
        return walk(self.resource.raw.body, path, self.scenario, cloud_control=self.cloud_control) if path else None

    def spelled(self, cloudformation: str, terraform: str) -> Node | None:
        embedded = self.resource.raw.type.startswith("embedded:")
        return self.at(terraform if self.terraform and not embedded else cloudformation)


def requests_of(resource: Resource, scenario: Scenario, deployer: Deployer | None = None) -> Iterator[Request]:
    """Give the requests that create a resource as it is in a scenario; none where its kind has no calls."""
    reader = _Reader(resource, scenario, deployer or Deployer())
    reader.region = _values(settle(resource.raw.region, scenario), "the region is not known")
    for call in CALLS.get(resource.kind, ()):
        if call.types and not _is_of(resource, call.types):
            continue
        if call.when and not _there(resource, call.when, scenario):
            continue
        for item in _items_of(reader, call.each):
            yield _request(reader, call, item)


def _items_of(reader: _Reader, name: str) -> Iterator[Node | None]:
    """Give the items that a call is made for; None where it is made once, or where the code names no item."""
    node = reader.resource.properties.get(name)
    listed = items(settle(node, reader.scenario) if node is not None else None, reader.scenario)
    if isinstance(listed, Unknown):
        yield Node(listed, node.span) if node is not None else None
        return
    yield from listed.nodes or ([None] if listed.rest is None else [])
    if listed.rest is not None and node is not None:
        yield Node(listed.rest, node.span)


def _is_of(resource: Resource, types: tuple[str, ...]) -> bool:
    raw = resource.raw.type
    return raw in types or raw in {awscc_type(one) for one in types if one.startswith("AWS::")}


def _there(resource: Resource, name: str, scenario: Scenario) -> bool:
    node = resource.properties.get(name)
    content = settle(node, scenario).content if node is not None else None
    return content is not None and not (isinstance(content, Items) and not content.nodes and content.rest is None)


def _request(reader: _Reader, call: Call, item: Node | None) -> Request:
    service = call.action.partition(":")[0]
    home = GLOBAL_SERVICES.get(service)
    context: dict[str, Values | None] = {"aws:RequestedRegion": Values((home,)) if home else reader.region}
    for key in call.keys:
        context[key.name] = _key(reader, key, item)
    if _carries_tags(call.action):
        context |= _tags(reader, service)
    principal = reader.deployer.principal
    if call.role != ("", ""):
        principal = _role(reader.spelled(*call.role))
    return Request(call.action, _arn(reader, call.arn), principal, context, partly=True)


def _arn(reader: _Reader, form: str) -> str:
    if not form:
        return "*"
    region = (reader.region.known or (HOLE,))[0]
    partition = partition_of(region) or "aws"
    filled = form.format(name=_name(reader), region=region, account=reader.deployer.account or HOLE, any=HOLE)
    return f"arn:{partition}:{filled}"


def _name(reader: _Reader) -> str:
    node = reader.resource.properties.get("name")
    found = settle(node, reader.scenario) if node is not None else None
    if found is None or found.content is None:
        kind = bundled_vocabulary().kinds.get(reader.resource.kind)
        paths: Mapping[str, str] = kind.name_paths if kind is not None else {}
        found = reader.at(paths.get("terraform" if reader.terraform else "cloudformation", ""))
    return _text(found.content) if found is not None and found.content is not None else HOLE


def _key(reader: _Reader, key: Key, item: Node | None) -> Values | None:
    if key.machines:
        return _machines(reader, key)
    if key.item:
        node = child(item, key.item, reader.scenario) if item is not None else None
    else:
        node = reader.spelled(key.cloudformation, key.terraform)
    if node is None or node.content is None:
        return None
    values = _values(node, f"{key.name} is not known")
    if key.arn:
        region = (reader.region.known or (HOLE,))[0]
        start = f"arn:{partition_of(region) or 'aws'}:{key.arn.format(region=region, account=HOLE)}"
        return Values(tuple(f"{start}{name}" for name in values.known), values.open, values.because)
    return values


def _machines(reader: _Reader, key: Key) -> Values | None:
    """Give the instance types of a resource, its own or those of its launch template; None where it starts none."""
    found = _types_of(reader, "machines")
    if found is not None or key.name != _ALWAYS_THERE:
        return found
    return _types_of(reader, "template_machines") or Values(open=True, because="its code names no instance type")


def _types_of(reader: _Reader, name: str) -> Values | None:
    node = reader.resource.properties.get(name)
    listed = items(settle(node, reader.scenario) if node is not None else None, reader.scenario)
    if isinstance(listed, Unknown):
        return Values((), open=True, because=listed.because)
    found: list[str] = []
    because = listed.rest.because if listed.rest is not None else ""
    for machine in listed.nodes:
        kind = child(machine, "type", reader.scenario)
        if kind is not None and kind.content is not None:
            found.append(_text(kind.content))
            because = because or _why(kind.content)
    if not found and listed.rest is None:
        return None
    return Values(tuple(dict.fromkeys(found)), listed.rest is not None, because)


def _carries_tags(action: str) -> bool:
    known = details(action)
    return known is not None and known.supports("aws:RequestTag/x")


def _tags(reader: _Reader, service: str) -> dict[str, Values | None]:
    """Give the tags that the request carries, `aws:RequestTag/*` standing for all that are not named."""
    found: dict[str, Values] = {}
    because = ""
    nodes = [reader.resource.raw.tags_below, reader.spelled("Tags", "tags")]
    for node in (settle(one, reader.scenario) for one in nodes if one is not None):
        for name, tag in _pairs(node, reader.scenario):
            found[name] = Values((_text(tag.content),), because=_why(tag.content)) if tag is not None else Values(("",))
        rest = node.content if isinstance(node.content, Unknown) else getattr(node.content, "rest", None)
        because = because or (rest.because if isinstance(rest, Unknown) else "")
    if service == "s3" and reader.terraform:
        because = because or "a provider may tag a bucket after it was created"
    rest_of_them = Values((), open=True, because=because) if because else None
    context: dict[str, Values | None] = {f"aws:RequestTag/{key}": value for key, value in found.items()}
    keys = Values(tuple(found), open=bool(because), because=because)
    return {**context, "aws:RequestTag/*": rest_of_them, "aws:TagKeys": keys if found or because else None}


def _pairs(node: Node, scenario: Scenario) -> Iterator[tuple[str, Node | None]]:
    if isinstance(node.content, Entries):
        for key, value in node.content.nodes.items():
            yield key, settle(value, scenario)
        return
    for item in getattr(node.content, "nodes", ()):
        for names in (("Key", "Value"), ("key", "value")):
            named = child(item, names[0], scenario)
            if named is not None and isinstance(named.content, str):
                yield named.content, child(item, names[1], scenario)


def _role(node: Node | None) -> str:
    """Give the role that a service works with: its name or ARN; a hole where it is not known."""
    text = _text(node.content) if node is not None and node.content is not None else HOLE
    return text if text.startswith("arn:") else f"{_ROLE}{text}"


def _values(node: Node, because: str) -> Values:
    content = node.content
    if isinstance(content, Items):
        known = tuple(_text(one.content) for one in content.nodes)
        reasons = [*([content.rest.because] if content.rest else []), *(_why(one.content) for one in content.nodes)]
        return Values(known, content.rest is not None, next(filter(None, reasons), ""))
    if content is None:
        return Values((HOLE,), because=because)
    return Values((_text(content),), because=_why(content))


def _why(content: Content) -> str:
    if isinstance(content, Unknown):
        return content.because
    return f"{content.address} decides it" if isinstance(content, Reference) else ""


def _text(content: Content) -> str:
    """Give a content as a text, with a hole for each part that is not known."""
    if isinstance(content, Unknown):
        return content.pattern.replace("*", HOLE)
    return text_of(content) or HOLE
