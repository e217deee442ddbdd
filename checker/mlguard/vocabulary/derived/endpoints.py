"""SageMaker endpoints: on what their variants run, what scales them, which of them could share instances."""

from __future__ import annotations

from collections.abc import Iterator

from mlguard.knowledge import instances
from mlguard.patterns import lazy_pattern
from mlguard.record import record, replace
from mlguard.resource import Resource
from mlguard.scenario import Scenario
from mlguard.value import Content, Entries, Items, Node, Reference, Unknown, child, items, settle, text_of
from mlguard.vocabulary.derived.endpoint_scaling import names_variant, variant_scaling
from mlguard.vocabulary.derived.machines import accelerated, monthly_usd
from mlguard.vocabulary.derived.naming import kin_of, names
from mlguard.vocabulary.derived.subject import Siblings, Subject

CONFIG = "sagemaker.endpoint_config"
ENDPOINT = "sagemaker.endpoint"
_MODEL = "sagemaker.model"
_BURSTABLE = lazy_pattern(r"t\d")
_DEDICATED_TAG = "mlguard:dedicated"
_BETWEEN = "\n"


def config_of(endpoint: Resource, siblings: Siblings, scenario: Scenario) -> Resource | Unknown:
    """Give the endpoint configuration that an endpoint runs, or why it cannot be seen."""
    value = settle(endpoint.properties["config"], scenario)
    return _named_by(value, CONFIG, siblings, scenario)


@record()
class Variant:
    """A variant of an endpoint configuration: its place among the others, and whether there are any."""

    config: Resource
    index: int
    alone: bool
    node: Node


def scaled_variant(target: Resource, siblings: Siblings, scenario: Scenario) -> Variant | None:
    """Give the variant that a scalable target scales; None where that is not known."""
    resource_id = settle(target.properties["resource_id"], scenario)
    kin = kin_of(ENDPOINT, siblings)
    for endpoint in _named_by_target(resource_id, siblings):
        for variant in _variants(endpoint, siblings, scenario):
            name = child(variant.node, "name", scenario)
            if names_variant(resource_id, endpoint, name, kin, scenario, alone=variant.alone) is True:
                return variant
    return None


def _named_by_target(resource_id: Node, siblings: Siblings) -> Iterator[Resource]:
    """Give the endpoint that an id refers to, else all."""
    content = resource_id.content
    referred = (
        [siblings.at(ENDPOINT, one.address) for one in content.references] if isinstance(content, Unknown) else []
    )
    found = [one for one in referred if one is not None]
    yield from found or siblings.of_kind(ENDPOINT)


def _variants(endpoint: Resource, siblings: Siblings, scenario: Scenario) -> Iterator[Variant]:
    config = config_of(endpoint, siblings, scenario)
    listed = config if isinstance(config, Unknown) else items(config.properties["variants"], scenario)
    if isinstance(config, Unknown) or isinstance(listed, Unknown):
        return
    for index, node in enumerate(listed.nodes):
        yield Variant(config, index, len(listed.nodes) == 1 and listed.rest is None, node)


def endpoint_variants(subject: Subject, scenario: Scenario) -> Content | Node:
    """List the variants of an endpoint's configuration with how each serves (`mode`) and what scales it (`scaling`).

    `idle` is `zero` where no instance is left when nothing is to do, else `instances`.
    """
    config = config_of(subject.resource, subject.siblings, scenario)
    if isinstance(config, Unknown):
        return config
    listed = items(config.properties["variants"], scenario)
    if isinstance(listed, Unknown):
        return listed
    alone = len(listed.nodes) == 1 and listed.rest is None
    made = tuple(_variant(subject, config, node, alone, scenario) for node in listed.nodes)
    return Node(Items(made, listed.rest), subject.resource.raw.name_span)


def _variant(subject: Subject, config: Resource, node: Node, alone: bool, scenario: Scenario) -> Node:  # noqa: FBT001
    entries = dict(node.content.nodes) if isinstance(node.content, Entries) else {}
    asynchronous = settle(config.properties["async_output"], scenario)
    mode = _mode(node, asynchronous, scenario)
    state, floor = _scaled(subject, node, alone, scenario)
    entries["mode"] = replace(node, content=mode)
    entries["scaling"] = replace(node, content=state)
    entries["idle"] = _idle(floor or replace(node, content=None))
    return replace(node, content=Entries(entries))


def _idle(floor: Node) -> Node:
    if isinstance(floor.content, Unknown | Reference):
        return floor
    return replace(floor, content="zero" if text_of(floor.content) == "0" else "instances")


def _mode(variant: Node, asynchronous: Node, scenario: Scenario) -> str | Unknown:
    serverless = _field(variant, "serverless", scenario).content
    if isinstance(serverless, Unknown):
        return serverless
    if serverless is True:
        return "serverless"
    if isinstance(asynchronous.content, Unknown):
        return asynchronous.content
    if asynchronous.content is not None:
        return "asynchronous"
    model = _field(variant, "model", scenario).content
    if isinstance(model, Unknown) and not model.references and model.pattern == "*":
        return "realtime"  # a name that only the deployment knows is a name
    return "components" if model is None else "realtime"


def _scaled(subject: Subject, variant: Node, alone: bool, scenario: Scenario) -> tuple[Content, Node | None]:  # noqa: FBT001
    serverless, managed = (_field(variant, name, scenario).content for name in ("serverless", "managed_scaling"))
    if serverless is True:
        return "serverless", None
    for content in (serverless, managed):
        if isinstance(content, Unknown):
            return content, None
    if managed == "ENABLED":
        return "managed", child(variant, "managed_minimum", scenario)
    family = instances.family(text_of(_field(variant, "type", scenario).content) or "")
    if family is not None and _BURSTABLE.match(family):
        return "burstable", None
    name = child(variant, "name", scenario)
    scaling = variant_scaling(subject.resource, name, subject.siblings, scenario, alone=alone)
    floor = settle(scaling.target.properties["min_capacity"], scenario) if scaling.target is not None else None
    return scaling.state, floor


def variant_label(subject: Subject, scenario: Scenario) -> Content:
    """Name a variant as far as it is known: `variant main on 6 x ml.g5.xlarge ($6,169 a month)`."""
    variant = subject.item
    if variant is None:
        return None
    name, kind, count = (text_of(_field(variant, key, scenario).content) for key in ("name", "type", "count"))
    price = monthly_usd(subject, scenario)
    many = f"{count} x " if count is not None and count != "1" else ""
    costs = f" (${price:,.0f} a month)" if isinstance(price, int | float) else ""
    return f"variant{f' {name}' if name else ''}{f' on {many}{kind}{costs}' if kind else ''}"


def variant_hosting(subject: Subject, scenario: Scenario) -> Content | Node:
    """Say what a variant is served on.

    `serverless`; `to-zero` for instances that scale to none; `accelerators`; `instances`; `bound-instances` for those
    with a feature that serverless inference lacks: a VPC, data capture, several models in one container.
    """
    variant = subject.item
    if variant is None:
        return None
    serverless, managed = (_field(variant, name, scenario).content for name in ("serverless", "managed_scaling"))
    if serverless is True:
        return "serverless"
    for content in (serverless, managed):
        if isinstance(content, Unknown):
            return content
    if managed == "ENABLED":
        least = _field(variant, "managed_minimum", scenario)
        if isinstance(least.content, Unknown):
            return least.content
        if text_of(least.content) == "0":
            return "to-zero"
    answer = accelerated(subject, scenario)
    if answer is True or isinstance(answer, Unknown):
        return "accelerators" if answer is True else answer
    return "bound-instances" if _needs_instances(subject, variant, scenario) else "instances"


def _needs_instances(subject: Subject, variant: Node, scenario: Scenario) -> bool:
    captures, vpc = (subject.property(name, scenario) for name in ("captures_data", "vpc"))
    if vpc is not None or (captures is not None and text_of(captures.content) != "false"):
        return True
    model = _named_by(_field(variant, "model", scenario), _MODEL, subject.siblings, scenario)
    if isinstance(model, Unknown):
        return False
    modes = [_field(node, "mode", scenario).content for node in _containers(model, scenario)]
    return settle(model.properties["vpc"], scenario).content is not None or "MultiModel" in modes


def is_deleted_by_schedule(subject: Subject, scenario: Scenario) -> Content:
    """Tell whether an enabled EventBridge schedule deletes an endpoint that uses the configuration."""
    deletions = list(_deletions(subject, scenario))
    if not deletions:
        return False
    own = [
        text_of(settle(one.properties["name"], scenario).content)
        for one in subject.siblings.of_kind(ENDPOINT)
        if _runs(one, subject, scenario)
    ]
    return any(not given or not own or any(name is None or name in given for name in own) for given in deletions)


def _deletions(subject: Subject, scenario: Scenario) -> Iterator[str]:
    """Give the input of every enabled schedule that calls DeleteEndpoint, empty where it is not known."""
    for schedule in subject.siblings.of_kind("scheduler.schedule"):
        if schedule.raw.exists(scenario) is False:
            continue
        target = settle(schedule.properties["definition"], scenario)
        called = _text(target, "Arn", scenario).lower()
        if ":sagemaker:deleteendpoint" in called and _text(schedule.raw.body, "State", scenario) != "DISABLED":
            yield _text(target, "Input", scenario)


def _runs(endpoint: Resource, subject: Subject, scenario: Scenario) -> bool:
    value = settle(endpoint.properties["config"], scenario)
    return names(value, subject.resource, kin_of(CONFIG, subject.siblings), scenario) is True


def _text(node: Node, key: str, scenario: Scenario) -> str:
    found = child(node, key, scenario) or child(node, key.lower(), scenario)
    return (text_of(found.content) or "") if found is not None else ""


def endpoint_twins(subject: Subject, scenario: Scenario) -> Content | Node:
    """List the endpoints that serve another model with the same container on instances of the same family.

    Each set of twins is named once, by the first of them.
    """
    own = _serving(subject, subject.resource, scenario)
    if own is None or isinstance(own, Unknown):
        return own
    address = subject.resource.address
    for twins in _all_twins(subject):
        listed = twins.split(_BETWEEN)
        if listed[0] == address:
            at = subject.resource.raw.name_span
            return Node(Items(tuple(Node(one, at) for one in listed)), at)
    return None


def _all_twins(subject: Subject) -> frozenset[str]:
    """Give the sets of twins of the project as it is deployed by default, found once for a project."""
    remembered = subject.settings.remembered
    if "twins" not in remembered:
        default = Scenario()
        sets: dict[object, list[str]] = {}
        for one in subject.siblings.of_kind(ENDPOINT):
            if one.raw.exists(default) is True:
                serving = _serving(subject, one, default)
                if isinstance(serving, tuple):
                    sets.setdefault(serving, []).append(one.address)
        remembered["twins"] = frozenset(_BETWEEN.join(twins) for twins in sets.values())
    return remembered["twins"]


def _serving(subject: Subject, endpoint: Resource, scenario: Scenario) -> tuple[str, str, Content] | Unknown | None:
    """Give what endpoints that could share instances have in common; None for one that cannot share."""
    around = replace(subject, resource=endpoint)
    if any(key.lower() == _DEDICATED_TAG for key in around.tags(scenario)):
        return None
    config = config_of(endpoint, subject.siblings, scenario)
    if isinstance(config, Unknown):
        return config
    listed = items(config.properties["variants"], scenario)
    if isinstance(listed, Unknown) or len(listed.nodes) != 1 or listed.rest is not None:
        return listed if isinstance(listed, Unknown) else listed.rest
    variant = listed.nodes[0]
    kind = _field(variant, "type", scenario).content
    if isinstance(kind, Unknown) or kind is None:  # without a type it is serverless
        return kind
    image = _image(_field(variant, "model", scenario), subject.siblings, scenario)
    if image is None or isinstance(image, Unknown):
        return image
    return image, instances.family(str(kind)) or str(kind), settle(endpoint.properties["environment"], scenario).content


def _image(model: Node, siblings: Siblings, scenario: Scenario) -> str | Unknown | None:
    """Give the image of a model of one container and one set of weights, without its tag."""
    found = _named_by(model, _MODEL, siblings, scenario)
    if isinstance(found, Unknown):
        return found
    containers = list(_containers(found, scenario))
    if len(containers) != 1 or _field(containers[0], "mode", scenario).content == "MultiModel":
        return None
    content = _field(containers[0], "image", scenario).content
    if content is None:
        return None  # a model package brings its own
    if isinstance(content, Unknown):  # the same parameter is the same image
        return f"{content.because} {content.pattern} {content.references}"
    written = text_of(content)
    return _without_tag(written) if written is not None else str(content)


def _without_tag(image: str) -> str:
    name = image.partition("@")[0]
    folder, _, last = name.rpartition("/")
    return f"{folder}/{last.partition(':')[0]}"


def _containers(model: Resource, scenario: Scenario) -> Iterator[Node]:
    listed = items(model.properties["containers"], scenario)
    yield from listed.nodes if isinstance(listed, Items) else ()


def _named_by(value: Node, kind: str, siblings: Siblings, scenario: Scenario) -> Resource | Unknown:
    """Give the resource of a kind that a value names, or why it cannot be seen."""
    kin = kin_of(kind, siblings)
    exact = siblings.at(kind, value.content.address) if isinstance(value.content, Reference) else None
    perhaps: Unknown | None = None
    for one in [exact] if exact is not None else siblings.of_kind(kind):
        exists = one.raw.exists(scenario) if not one.part_of else False
        verdict = names(value, one, kin, scenario) if exists is not False else False
        if verdict is True and exists is True:
            return one
        if verdict is not False:
            perhaps = perhaps or Unknown(f"it may be {one.address}")
    if isinstance(value.content, Unknown):
        return value.content
    written = text_of(value.content)
    which = f'"{written}" is not a' if written else "it names no"
    return perhaps or Unknown(f"{which} resource of this project")


def _field(node: Node, name: str, scenario: Scenario) -> Node:
    return child(node, name, scenario) or replace(node, content=None)
