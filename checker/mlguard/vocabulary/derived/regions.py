"""Where machine learning runs, and from which regions it takes its images and data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlguard.patterns import lazy_pattern
from mlguard.record import replace
from mlguard.resource import Resource
from mlguard.scenario import Scenario
from mlguard.value import Content, Entries, Items, Node, Reference, Unknown, child, items, settle, text_of
from mlguard.vocabulary.derived.context import is_managed_ml, machine_learning
from mlguard.vocabulary.derived.subject import Siblings, Subject, property_of

_STACK_SET = "cloudformation.stack_set"
_CARRIERS = ("sagemaker.pipeline",)
_REGION = r"((?:us|eu|ap|sa|ca|me|af|il|mx)(?:-gov)?-(?:north|south|east|west|central)(?:east|west)?-[1-9])"
_IMAGE = lazy_pattern(rf"\.dkr\.ecr(?:-fips)?\.{_REGION}\.amazonaws\.com")
_BUCKET = lazy_pattern(r"\As3://([^/]+)")
_IN_NAME = lazy_pattern(rf"(?:\A|[^a-z0-9]){_REGION}(?:[^a-z0-9]|\Z)")
_ARN = lazy_pattern(rf"\Aarn:aws[\w-]*:(?:fsx|elasticfilesystem|kinesis|dynamodb):{_REGION}:")
_WRITTEN = lazy_pattern(_REGION)
_ADDRESS = lazy_pattern(r"s3:\\?/\\?/|\.dkr\.ecr|:(?:fsx|elasticfilesystem|kinesis|dynamodb):")
_MAX_TEXT = 2_000
_MAX_DEPTH = 60


def runs_ml(subject: Subject, scenario: Scenario) -> Content:
    """Tell whether a resource is paid-for machine learning: of SageMaker or Bedrock, or a machine with accelerators.

    A stack set is by its name, since its template lies elsewhere.
    """
    resource = subject.resource
    if resource.kind == _STACK_SET:
        scope = subject.property("ml_scope", scenario)
        return scope.content if scope is not None else None
    if is_managed_ml(resource):
        if resource.part_of and _carried_by_ml(subject):
            return False  # the pipeline speaks for its steps
        if resource.part_of and "machine_learning" in resource.properties:
            return settle(resource.properties["machine_learning"], scenario).content
        return "machines" in resource.properties or resource.kind.startswith(("bedrock.", "sagemaker.pipeline"))
    return machine_learning(subject, scenario)


def _carried_by_ml(subject: Subject) -> bool:
    address = subject.resource.raw.address
    return any(one.raw.address == address and not one.part_of and is_managed_ml(one) for one in subject.siblings)


def ml_regions(subject: Subject, scenario: Scenario) -> Node | None:
    """List the regions that a resource runs machine learning in: its own, or those of an ML stack set."""
    return _regions(subject.resource, scenario)


def _regions(resource: Resource, scenario: Scenario) -> Node | None:
    at = resource.raw.name_span
    if resource.kind != _STACK_SET:
        region = settle(resource.raw.region, scenario)
        own = child(resource.raw.body, "region", scenario)
        place = region if own is not None else Node(None, at)  # not where a provider says it for all
        return Node(Items((replace(place, content=region.content),)), at)
    listed = items(property_of(resource, "deployments", scenario), scenario)
    if isinstance(listed, Unknown):
        return Node(listed, at)
    found = (child(one, "region", scenario) for one in listed.nodes)
    return Node(Items(tuple(node for node in found if node is not None), listed.rest), at)


def region_number(subject: Subject, scenario: Scenario) -> Content | Node:
    """Say how many regions the ML of the project is in, up to this resource; absent where it adds no region."""
    if runs_ml(subject, scenario) is not True:
        return None
    own, siblings = subject.resource, subject.siblings
    position = siblings.position(own)
    seen = set(_regions_before(siblings, position, scenario))
    for sibling in siblings[position:]:
        if sibling is not own and sibling.raw.exists(scenario) is False:
            continue
        nodes = _running_in(sibling, scenario)
        if nodes is None:
            continue
        before = len(seen)
        seen.update(_texts(nodes))
        if sibling.raw is own.raw:
            at = nodes[0] if nodes else Node(None, sibling.raw.name_span)
            return replace(at, content=len(seen)) if len(seen) > before else None
    return None


def _regions_before(siblings: Siblings, end: int, scenario: Scenario) -> Iterator[str]:
    """Give the regions that the ML of the first resources is in; each resource asks about all before it.

    What is remembered are stretches, each twice as long as the next: few of them make any number.
    """
    start = 0
    while start < end:
        length = 1 << (end - start).bit_length() - 1
        yield from _regions_in(siblings, start, length, scenario)
        start += length


def _regions_in(siblings: Siblings, start: int, length: int, scenario: Scenario) -> frozenset[str]:
    """Give the regions that the ML among a stretch of the resources is in."""

    def found(inner: Scenario) -> frozenset[str]:
        if length > 1:
            half = length // 2
            first = _regions_in(siblings, start, half, inner)
            return first | _regions_in(siblings, start + half, half, inner)
        one = siblings[start]
        nodes = None if one.raw.exists(inner) is False else _running_in(one, inner)
        return frozenset(_texts(nodes or ()))

    return siblings.memory.recall(("regions", start, length), scenario, found)


def _running_in(resource: Resource, scenario: Scenario) -> Sequence[Node] | None:
    """Give the regions that a resource runs ML in; None where it runs none."""
    running = property_of(resource, "runs_ml", scenario)
    if running is None or running.content is not True:
        return None
    listed = _regions(resource, scenario)
    return listed.content.nodes if listed is not None and isinstance(listed.content, Items) else ()


def _texts(nodes: Sequence[Node]) -> Iterator[str]:
    return (node.content for node in nodes if isinstance(node.content, str))


def data_sources(subject: Subject, scenario: Scenario) -> Node | None:
    """List what a job or model of SageMaker uses whose region is known, each with `written` and `data_region`.

    `crosses` is `none` within the region of the resource, else what has to be moved: `image`, `bucket`, `bucket-name`
    where only the name of the bucket tells its region, or `data`.
    """
    resource = subject.resource
    if not is_managed_ml(resource) or resource.kind in _CARRIERS:
        return None
    own = settle(resource.raw.region, scenario).content
    if not isinstance(own, str | Unknown):
        own = Unknown("the region is not written as a text")
    if _names_no_other_region(subject, own, scenario):
        return None
    found: list[Node] = []
    for leaf in _leaves(resource.raw.body, scenario):
        source = _source(subject, leaf, scenario)
        if source is None:
            continue
        what, written, region = source
        crosses: Content = "none" if region == own else what
        if isinstance(own, Unknown):
            crosses = own
        entries = {"crosses": crosses, "written": written, "data_region": region}
        nodes = {name: Node(content, leaf.span, leaf.key_span, leaf.origins) for name, content in entries.items()}
        found.append(Node(Entries(nodes), leaf.span, leaf.key_span))
    return Node(Items(tuple(found)), resource.raw.name_span) if found else None


def _names_no_other_region(subject: Subject, own: Content, scenario: Scenario) -> bool:
    """Tell, without a look at every value, that the project writes no other region and has no bucket in one."""
    remembered = subject.settings.remembered
    if "regions written" not in remembered:
        texts = [document.text for document in subject.project.documents.values()]
        written = any(_ADDRESS.search(text) for text in texts)
        remembered["regions written"] = frozenset(
            match[1] for text in texts if written for match in _WRITTEN.finditer(text)
        )
    buckets = subject.siblings.of_kind("s3.bucket")
    return all(region == own for region in remembered["regions written"]) and all(
        settle(bucket.raw.region, scenario).content == own for bucket in buckets
    )


def _leaves(node: Node, scenario: Scenario, depth: int = 0) -> Iterator[Node]:
    settled = settle(node, scenario)
    content = settled.content
    if isinstance(content, Entries | Items):
        for below in content.nodes.values() if isinstance(content, Entries) else content.nodes:
            if depth < _MAX_DEPTH:
                yield from _leaves(below, scenario, depth + 1)
    elif content is not None:
        yield settled


def _source(subject: Subject, leaf: Node, scenario: Scenario) -> tuple[str, str, str] | None:
    """Say what a value names, how it is written, and its region; None where it names nothing of a known region."""
    bucket = _bucket_of(subject, leaf.content, scenario)
    if bucket is not None:
        region = settle(bucket.raw.region, scenario).content
        return ("bucket", bucket.address, region) if isinstance(region, str) else None
    text = leaf.content.pattern if isinstance(leaf.content, Unknown) else text_of(leaf.content)
    if text is None or len(text) > _MAX_TEXT:
        return None
    for what, match in (("image", _IMAGE.search(text)), ("data", _ARN.search(text))):
        if match is not None:
            return what, text, match[1]
    named = _BUCKET.match(text)
    told = _IN_NAME.search(named[1]) if named is not None else None
    return None if told is None else ("bucket-name", text, told[1])


def _bucket_of(subject: Subject, content: Content, scenario: Scenario) -> Resource | None:
    """Find the bucket of the project that a value names, by reference or by the name in an S3 address."""
    references: tuple[Reference, ...] = ()
    if isinstance(content, Unknown):
        references = content.references
    elif isinstance(content, Reference):
        references = (content,)
    named = _BUCKET.match(content) if isinstance(content, str) else None
    if not references and named is None:
        return None
    addresses = {reference.address for reference in references}
    for sibling in subject.siblings.of_kind("s3.bucket"):
        if sibling.address in addresses:
            return sibling
        name = property_of(sibling, "name", scenario) if named is not None else None
        if name is not None and named is not None and text_of(name.content) == named[1]:
            return sibling
    return None
