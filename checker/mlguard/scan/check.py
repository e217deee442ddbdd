"""Judge every policy over one project: the findings, and the checks that cannot be decided."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from mlguard.finding import Finding, Remedy, Undecided
from mlguard.policy.evaluate import Context, Leaf, NotTheDefaultError, Truth, Verdict, judge
from mlguard.policy.model import Policy, Severity
from mlguard.record import field, record
from mlguard.resource import CALLED, LISTED, SYNTHESIZED, Project, RawResource, Related, Resource
from mlguard.scan.exposure import Bills, Stake, premium_share
from mlguard.scan.messages import message, witness
from mlguard.scan.relevance import properties_needed
from mlguard.scan.remedies import remedy, together
from mlguard.scenario import Decided, Outcome, Scenario, TooManyScenariosError, explore
from mlguard.source import Span
from mlguard.value import Entries, Items, Node, Unknown, child, settle, text_of

MAX_SCENARIOS = 256
Lookup = Callable[[str, Mapping[str, str]], object]


@record()
class _Hit:
    """One failing leaf in one scenario, with everything that depends on the scenario."""

    leaf: tuple[str, ...]
    at: Span
    message: str
    severity: Severity
    environment: str
    related: tuple[Related, ...]
    item: Span | None = None
    premium: float = 0.0
    remedy: Remedy | None = None


@record()
class _Judged:
    """What one scenario gave: failing leaves, or why it is undecided."""

    hits: tuple[_Hit, ...] = ()
    undecided: tuple[str, Span] | None = None


@record(frozen=False)
class Checked:
    """The outcome of one project; `passed` are the policies and resources that go well together."""

    findings: list[Finding] = field(default_factory=list)
    undecided: list[Undecided] = field(default_factory=list)
    passed: list[tuple[Policy, str]] = field(default_factory=list)
    checks: int = 0


def check_project(
    project: Project, policies: Sequence[Policy], lookup: Lookup, elsewhere: Sequence[Resource] = ()
) -> Checked:
    """Judge each policy over each resource that it applies to, in every scenario that makes a difference.

    `elsewhere` are resources of other projects that count for every project of an account, such as budgets.
    """
    checked = Checked()
    bills = Bills(project)
    for policy in policies:
        for resource in _subjects(policy, project):
            judge_in = _judge_resource(policy, resource, project, lookup, elsewhere)
            _check_one(policy, resource, bills, judge_in, checked)
    return checked


def _subjects(policy: Policy, project: Project) -> Iterator[Resource | None]:
    if "project" in policy.applies_to:
        if project.resources:
            yield None
        return
    needed = properties_needed(policy) if "*" in policy.applies_to else None
    for resource in project.resources:
        if resource.kind in policy.applies_to or (needed is not None and needed <= resource.properties.keys()):
            yield resource


def _check_one(
    policy: Policy,
    resource: Resource | None,
    bills: Bills,
    judge_in: Callable[[Scenario], _Judged | None],
    checked: Checked,
) -> None:
    project = bills.project
    outcomes: list[Outcome[_Judged | None]] = []
    try:
        outcomes.extend(explore(judge_in, MAX_SCENARIOS))
    except TooManyScenariosError:
        at = resource.raw.name_span if resource else _project_place(project)
        because = f"more than {MAX_SCENARIOS:,} combinations of parameters matter here"
        outcomes.append(Outcome({}, _Judged(undecided=(because, at))))
    there = [(outcome.decisions, outcome.result) for outcome in outcomes if outcome.result is not None]
    if not there:
        return
    checked.checks += 1
    failed = any(judged.hits for _, judged in there)
    findings = list(_findings(policy, resource, bills, there)) if failed else []
    checked.findings.extend(findings)
    if not findings:
        undecided = next((judged.undecided for _, judged in there if judged.undecided is not None), None)
        address = resource.address if resource else ""
        if undecided is None:
            checked.passed.append((policy, address))
        else:
            checked.undecided.append(Undecided(policy, undecided[0], undecided[1], address, project.raw.path))


def _judge_resource(
    policy: Policy, resource: Resource | None, project: Project, lookup: Lookup, elsewhere: Sequence[Resource]
) -> Callable[[Scenario], _Judged | None]:
    """Give the function that judges the resource in one scenario; None where it is not there or not meant."""

    def judged(scenario: Scenario) -> _Judged | None:
        if resource is None:
            return _judge_project(policy, project, lookup, scenario, elsewhere)
        if resource.raw.exists(scenario) is False:
            return None
        context = Context(lookup, scenario, resource.properties, policy.judged_by == "default")
        try:
            return _judge_in(policy, resource, project, _scope(resource, scenario), context)
        except NotTheDefaultError:
            return None

    return judged


def _judge_in(
    policy: Policy, resource: Resource | None, project: Project, scope: Node, context: Context
) -> _Judged | None:
    gate = judge(policy.when, scope, context) if policy.when is not None else Verdict(Truth.PASS)
    if gate.truth is Truth.FAIL:
        return None
    verdict = judge(policy.require, scope, context)
    if verdict.truth is Truth.PASS:
        return _Judged()
    settled = verdict if verdict.truth is Truth.UNKNOWN or gate.truth is Truth.PASS else gate
    if settled.truth is Truth.UNKNOWN:
        leaf = settled.leaves[0] if settled.leaves else Leaf((), "")
        return _Judged(undecided=(leaf.because, _place(leaf, resource, project)))
    hits = (_hit(policy, resource, project, leaf, scope, context) for leaf in verdict.leaves)
    return _Judged(tuple(hits))


def _scope(resource: Resource, scenario: Scenario) -> Node:
    properties = resource.properties
    native = settle(resource.raw.body, scenario).content if ":" in resource.kind else None
    if isinstance(native, Entries):
        properties = {**native.nodes, **properties}
    return Node(Entries(properties), resource.raw.span, resource.raw.name_span)


def _judge_project(
    policy: Policy, project: Project, lookup: Lookup, scenario: Scenario, elsewhere: Sequence[Resource]
) -> _Judged | None:
    """Judge the project by what is to be seen; undecided where something that perhaps is there would change that."""
    context = Context(lookup, scenario, _environment_of(project))
    there: list[Node] = []
    perhaps: list[tuple[str, Sequence[Node]]] = [(gap.what, hidden) for gap, hidden in project.hidden]
    for one in (*project.resources, *elsewhere):
        exists = one.raw.exists(scenario)
        node = Node(Entries({"kind": Node(one.kind, one.raw.name_span), **one.properties}), one.raw.span)
        if exists is True or (exists is not False and _is_meant(policy, node, project, context)):
            there.append(node)
        elif exists is not False:
            perhaps.append((f"whether {one.address} is there is open ({exists.because})", [node]))
    seen = _judge_in(policy, None, project, _whole(project, there), context)
    for because, more in perhaps:
        if _truth(_judge_in(policy, None, project, _whole(project, [*there, *more]), context)) is not _truth(seen):
            return _Judged(undecided=(because, _project_place(project)))
    return seen


def _is_meant(policy: Policy, node: Node, project: Project, context: Context) -> bool:
    """Tell whether a resource of which nobody knows how many there are is what makes the policy apply."""
    return policy.when is not None and judge(policy.when, _whole(project, [node]), context).truth is Truth.PASS


def _truth(judged: _Judged | None) -> Truth | None:
    if judged is None:
        return None
    return Truth.UNKNOWN if judged.undecided is not None else Truth.FAIL if judged.hits else Truth.PASS


def _whole(project: Project, resources: Sequence[Node]) -> Node:
    """Give a project as the mapping that its policies are judged over."""
    gap = next((gap for gap in project.raw.gaps if gap.hides is None), None)
    at = _project_place(project)
    listed = Node(Items(tuple(resources), Unknown(gap.what) if gap is not None else None), at)
    return Node(Entries({"resources": listed, **_environment_of(project)}), at, at)


def _environment_of(project: Project) -> Mapping[str, Node]:
    first = next(iter(project.resources), None)
    return {"environment": first.properties["environment"]} if first is not None else {}


def _project_place(project: Project) -> Span:
    """Point a finding about the whole project at the resource that costs the most surely: the first of ML's own.

    What a module holds is pointed at where the project calls it: another project may call it, too.
    """
    resources = sorted(project.resources, key=lambda resource: resource.raw.name_span)
    learning = [resource for resource in resources if _is_machine_learning(resource)]
    costly = [resource for resource in learning if resource.kind.startswith(("sagemaker.", "bedrock."))] or learning
    first = next(iter(costly or resources), None)
    if first is not None:
        calls = [one.span for one in first.raw.related if one.what == CALLED]
        return first.raw.source or next(reversed(calls), first.raw.name_span)
    return Span(project.raw.path, 1, 1, 1, 1)


def _is_machine_learning(resource: Resource) -> bool:
    node = resource.properties.get("machine_learning")
    return node is not None and settle(node, Scenario()).content is True


def _hit(
    policy: Policy, resource: Resource | None, project: Project, leaf: Leaf, scope: Node, context: Context
) -> _Hit:
    severity = policy.severity
    raised = policy.raise_severity_when
    if raised is not None and judge(raised, scope, context).truth is Truth.PASS:
        severity = Severity(min(severity + 1, Severity.CRITICAL))
    environment = context.outer.get("environment")
    named = text_of(settle(environment, context.scenario).content) if environment is not None else ""
    at = _place(leaf, resource, project)
    related = [Related(origin.span, origin.what) for origin in (leaf.found.origins if leaf.found is not None else ())]
    if resource is not None:
        related.extend(resource.raw.related)
        if resource.raw.source is not None:
            related.insert(0, Related(at, SYNTHESIZED))
            at = resource.raw.source
    text = message(policy, resource, leaf, context)
    item = _item_place(leaf.scope, context.scenario)
    premium = premium_share(leaf.scope, context.scenario) if policy.exposure == "region-premium" else 0.0
    mend = remedy(policy, resource, project, at, leaf, context) if policy.fixes else None
    return _Hit(leaf.path, at, text, severity, named or "", tuple(_unique(related, at)), item, premium, mend)


def _item_place(scope: Node | None, scenario: Scenario) -> Span | None:
    """Give the place by which a machine or a volume is known to the one who bills it."""
    named = (child(scope, name, scenario) for name in ("type", "size_gb")) if scope is not None else ()
    return next((node.place for node in named if node is not None), None)


def _unique(related: Sequence[Related], at: Span) -> Iterator[Related]:
    seen = {at}
    for one in related:
        if one.span not in seen:
            seen.add(one.span)
            yield one


def _place(leaf: Leaf, resource: Resource | None, project: Project) -> Span:
    """Point at the culprit; at the header of what lacks it when the culprit is an absence."""
    if resource is None:
        return _project_place(project)
    if leaf.found is not None and leaf.found.content is not None:
        return leaf.found.place
    if len(leaf.path) > 1 and leaf.scope is not None:
        return leaf.scope.place
    return resource.raw.name_span


def _findings(
    policy: Policy,
    resource: Resource | None,
    bills: Bills,
    there: Sequence[tuple[Mapping[str, Decided], _Judged]],
) -> Iterator[Finding]:
    """Make one finding of the hits at one place, whatever the scenarios."""
    by_place: dict[tuple[Span, tuple[str, ...], tuple[Span, ...]], list[tuple[Mapping[str, Decided], _Hit]]] = {}
    for decisions, judged in there:
        for hit in judged.hits:
            listed = tuple(one.span for one in hit.related if one.what in (LISTED, SYNTHESIZED))
            by_place.setdefault((hit.at, hit.leaf, listed), []).append((decisions, hit))
    repeats: dict[tuple[str, ...], int] = {}
    everywhere = [decisions for decisions, _ in there]
    raw = resource.raw if resource is not None else None
    for (_, leaf, _), hits in sorted(by_place.items()):
        repeat = repeats.get(leaf, 0)
        repeats[leaf] = repeat + 1
        worst = max((hit for _, hit in hits), key=lambda hit: hit.severity)
        yield Finding(
            policy=policy,
            severity=worst.severity,
            message=hits[0][1].message,
            at=hits[0][1].at,
            project=bills.project.raw.path,
            resource=resource.address if resource is not None else "",
            resource_type=_type(raw),
            leaf=".".join(leaf),
            when=witness(_distinct([decisions for decisions, _ in hits]), everywhere),
            environment=worst.environment,
            construct=raw.construct if raw is not None else "",
            related=hits[0][1].related,
            repeat=repeat,
            remedy=together([hit.remedy for _, hit in hits if hit.remedy is not None]),
            exposure=bills.parts(
                policy, resource, [Stake(where, hit.environment, hit.item, hit.premium) for where, hit in hits]
            ),
        )


def _distinct(scenarios: Sequence[Mapping[str, Decided]]) -> list[Mapping[str, Decided]]:
    found: list[Mapping[str, Decided]] = []
    for one in scenarios:
        if one not in found:
            found.append(one)
    return found


def _type(raw: RawResource | None) -> str:
    return raw.type.removeprefix("embedded:") if raw is not None else "project"
