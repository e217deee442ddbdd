"""VPCs: whether the data that machine learning reads from S3 goes through a NAT gateway, which bills each GB."""

from __future__ import annotations

from mlguard.resource import Resource
from mlguard.scenario import Scenario
from mlguard.value import Content, Node, Origin, Reference, Unknown, child, items, references_in, text_of
from mlguard.vocabulary.derived.context import is_managed_ml
from mlguard.vocabulary.derived.subject import Subject, property_of
from mlguard.vocabulary.joins import names_resource, without_keys

_ENDPOINTS = ("AWS::EC2::VPCEndpoint", "aws_vpc_endpoint", "aws_vpc_endpoint_route_table_association")
_INTERNET_OF_ITS_OWN = {
    "sagemaker.notebook_instance": ("DirectInternetAccess", "direct_internet_access", "Disabled"),
    "sagemaker.studio_domain": ("AppNetworkAccessType", "app_network_access_type", "VpcOnly"),
}
"""What reaches S3 past the VPC unless this argument has this value: the default is another."""


def s3_path(subject: Subject, scenario: Scenario) -> Content | Node:
    """Say how the machine learning behind a route table's NAT gateway reaches S3; absent where there is none.

    `gateway` through a gateway endpoint, which is free; `interface-only` through an interface endpoint; `other-table`
    where the gateway endpoint serves other route tables; `missing` through the NAT gateway.
    """
    if _repeated(subject):
        return None
    behind = _behind(subject, scenario)
    if not behind:
        return None
    state = _endpoint_state(subject, scenario)
    gateways = _gateways(subject, scenario)
    if state != "gateway" and all(isinstance(one.content, Unknown) for one in gateways):
        state = gateways[0].content  # it may be null, which is no route to a NAT gateway
    origins = tuple(Origin(one.raw.name_span, f"{one.address} reads through it") for one in behind[:3])
    return Node(state, subject.resource.raw.name_span, None, origins)


def ml_behind_nat(subject: Subject, scenario: Scenario) -> Content:
    """Name the machine learning in the subnets that a route table sends to a NAT gateway."""
    found = [one.address for one in _behind(subject, scenario)]
    more = f" and {len(found) - 3} more" if len(found) > 3 else ""  # noqa: PLR2004  (enough to find it)
    return ", ".join(found[:3]) + more if found else None


def _repeated(subject: Subject) -> bool:
    """Tell whether it is a further instance of a block that is judged already."""
    first = subject.siblings.first_of_block(subject.resource)
    return first is not subject.resource and first.raw is not subject.resource.raw


def _gateways(subject: Subject, scenario: Scenario) -> list[Node]:
    routes = items(subject.property("nat_routes", scenario), scenario)
    named = [child(route, "gateway", scenario) for route in routes.nodes] if not isinstance(routes, Unknown) else []
    return [one for one in named if one is not None and one.content != ""]


def _behind(subject: Subject, scenario: Scenario) -> list[Resource]:
    if not _gateways(subject, scenario):
        return []
    listed = items(subject.property("subnets", scenario), scenario)
    named = [child(one, "subnet", scenario) for one in listed.nodes] if not isinstance(listed, Unknown) else []
    subnets = {without_keys(one.content.address) for one in named if one and isinstance(one.content, Reference)}
    if not subnets:
        return []
    return [one for one in subject.siblings if _reads_from(one, subnets, scenario)]


def _reads_from(resource: Resource, subnets: set[str], scenario: Scenario) -> bool:
    """Tell whether a resource is machine learning whose traffic to S3 leaves through one of the subnets."""
    if resource.raw.exists(scenario) is False:
        return False
    special = _INTERNET_OF_ITS_OWN.get(resource.kind)
    if special is not None:
        body = resource.raw.body
        setting = child(body, special[0], scenario) or child(body, special[1], scenario)
        if setting is None or text_of(setting.content) != special[2]:
            return False
    elif not is_managed_ml(resource):
        accelerated = property_of(resource, "machine_learning", scenario)
        if accelerated is None or accelerated.content is not True:
            return False
    return any(without_keys(found.address) in subnets for found in references_in(resource.raw.body, scenario))


def _endpoint_state(subject: Subject, scenario: Scenario) -> Content:
    state: Content = "missing"
    unknown: Unknown | None = None
    for endpoint in subject.siblings:
        if endpoint.kind != "ec2.vpc_endpoint":
            continue
        exists = endpoint.raw.exists(scenario)
        serves = _serves(endpoint, subject.resource, scenario)
        if exists is False:  # who leaves it out by a parameter has one already
            unknown = Unknown(f"{endpoint.address} is left out here") if serves == "gateway" else unknown
            continue
        if serves == "gateway" and exists is True:
            return "gateway"
        if isinstance(serves, Unknown) or serves == "gateway":
            unknown = serves if isinstance(serves, Unknown) else Unknown(f"{endpoint.address} may exist")
        elif serves is not None and state != "other-table":
            state = serves
    gap = next((gap for gap in subject.project.gaps if gap.may_create(_ENDPOINTS)), None)
    return unknown or (Unknown(gap.what) if gap is not None else state)


def _serves(endpoint: Resource, table: Resource, scenario: Scenario) -> Content:
    """Say how an endpoint serves a route table with S3: `gateway`, `interface-only`, `other-table`, None not at all."""
    service, kind = property_of(endpoint, "service", scenario), property_of(endpoint, "type", scenario)
    if service is None:
        return None
    name = service.content.pattern if isinstance(service.content, Unknown) else text_of(service.content) or "*"
    if not name.endswith((".s3", "*")):
        return None
    if not name.endswith(".s3") or (kind is not None and text_of(kind.content) is None):
        return Unknown(f"{endpoint.address} may lead to S3")
    if kind is not None and text_of(kind.content) != "Gateway":
        return "interface-only"
    listed = items(property_of(endpoint, "route_tables", scenario), scenario)
    if isinstance(listed, Unknown):
        return listed
    tables = [child(one, "table", scenario) for one in listed.nodes]
    verdicts = [names_resource(one, table.raw, None) for one in tables if one is not None]
    if True in verdicts:
        return "gateway"
    if listed.rest is not None or None in verdicts:
        return listed.rest or Unknown(f"which route tables lead to {endpoint.address} is not known")
    return "other-table"
