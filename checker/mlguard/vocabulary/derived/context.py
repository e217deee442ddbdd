"""Where a resource belongs: its environment, its region, and whether it serves machine learning."""

from __future__ import annotations

from collections.abc import Mapping

from mlguard.patterns import lazy_pattern
from mlguard.resource import Resource
from mlguard.scenario import Scenario
from mlguard.value import Content, Node, Unknown, references_in, settle, text_of
from mlguard.vocabulary.derived.subject import Subject
from mlguard.vocabulary.joins import without_keys

_MAX_WORDS = 4  # a longer name is a sentence, "from-idea-to-production", and names no environment
_ENVIRONMENT_TAGS = ("environment", "env", "stage")
_WORD = lazy_pattern(r"[a-z]+")
_ML_WORD = lazy_pattern(
    r"(?:^|[^a-z])(?:ml|mlops|aiml|llm|llms)(?:[^a-z]|$)"
    r"|sagemaker|model|(?:^|[^a-z]|pre|fine)train|dataset|feature(?!s?-?(?:flag|toggle|branch))|checkpoint|mlflow"
    r"|bedrock|embedding|inference|experiment"
)
_ARTIFACT = "artifact"
"""What every build has, too: it speaks of machine learning only beside some."""
_HUMP = lazy_pattern(r"(?<=[a-z0-9])(?=[A-Z])")
_NOT_IN_IDS = lazy_pattern(r"[^A-Za-z0-9]")
_ML_TYPE = lazy_pattern(r"(?:AWS::|awscc_|aws_|embedded:)(?:SageMaker|sagemaker|Bedrock|bedrock)")


def environment(subject: Subject, scenario: Scenario) -> Content:
    """Give the environment: what the user said, else a tag, else a word in the names, else the default.

    The order is that of the most to the least deliberate statement.
    """
    settings = subject.settings
    said = settings.environment or _assigned(subject, scenario)
    if said:
        return said
    for key, value in subject.tags(scenario).items():
        if key.lower() in _ENVIRONMENT_TAGS and isinstance(value, str):
            named = settings.environment_of.get(value.lower())
            if named is not None:
                return named
    for name in (*_stack_names(subject), *subject.project.names):
        words = _WORD.findall(_HUMP.sub("-", name).lower())
        for word in words if len(words) <= _MAX_WORDS else ():
            if word in settings.environment_of:
                return settings.environment_of[word]
    return settings.default_environment


def _assigned(subject: Subject, scenario: Scenario) -> str:
    """Give the environment that the user assigns to the stack, the workspace or a tag; empty for none."""
    project = subject.project
    asked = [("stack", name, "") for name in (*_stack_names(subject), project.stack) if name]
    asked += [("workspace", project.workspace, "")] if project.workspace else []
    asked += [("tag", value, key) for key, value in subject.tags(scenario).items() if isinstance(value, str)]
    return next((found for one in asked if (found := subject.settings.assigned(*one))), "")


def _stack_names(subject: Subject) -> tuple[str, ...]:
    """Give what an assembly calls the stage and the stack of a resource: one assembly holds those of several.

    The id of a stack is made of the names on its path, which ends where that of its constructs begins.
    """
    raw = subject.resource.raw
    if subject.project.dialect != "cdk":
        return ()
    stack = raw.address.partition("/")[0]
    names, whole = [], ""
    for name in raw.construct.split("/"):
        whole += _NOT_IN_IDS.sub("", name)
        if not _NOT_IN_IDS.sub("", stack).startswith(whole):
            break
        names.append(name)
    return (*names, stack)


def region(subject: Subject, scenario: Scenario) -> Node:
    """Give the region that the resource is deployed to."""
    return settle(subject.resource.raw.region, scenario)


def region_is_required(subject: Subject, scenario: Scenario) -> Content:
    """Tell whether a tag says that the resource must be where it is, for instance by law."""
    return any(key.lower() == "mlguard:residency" for key in subject.tags(scenario))


def ml_scope(subject: Subject, scenario: Scenario) -> Content:
    """Tell whether a generic resource serves machine learning: by its name, its tags, or what refers to it."""
    own = [subject.resource.raw.address.rsplit("/", 1)[-1]]
    node = subject.property("name", scenario)
    if node is not None:
        content = node.content
        own.append(content.pattern if isinstance(content, Unknown) else text_of(content) or "")
    for key, value in subject.tags(scenario).items():
        own.append(f"{key} {value}")
    if any(_speaks_of_ml(text) for text in own):
        return True
    if any(_ARTIFACT in text.lower() for text in own) and _runs_ml(subject):
        return True
    return without_keys(subject.resource.raw.address) in _referred_by_ml(subject)


def near_ml(subject: Subject, scenario: Scenario) -> Content:
    """Tell whether a generic resource serves machine learning, or is part of a project that is seen to run any.

    Everything counts unless the parameter `judge_without_machine_learning` is false.
    """
    everything = subject.settings.parameter("judge_without_machine_learning", "") is not False
    return everything or _runs_ml(subject) or ml_scope(subject, scenario)


def machine_learning(subject: Subject, scenario: Scenario) -> Content:
    """Tell whether a resource is a cost-bearing part of an ML system: always, or when it runs accelerators.

    That whoever deploys may choose an accelerator instead of a default without one does not make it such a part: a
    template for any server lists all instance types.
    """
    machines = subject.property("machines", scenario)
    nodes = getattr(machines.content, "nodes", ()) if machines is not None else ()
    answers = [_accelerated(node.content.nodes, scenario) for node in nodes]
    if any(answer is True for answer in answers):
        return True
    unknown = next((answer for answer in answers if isinstance(answer, Unknown)), None)
    return unknown if unknown is not None else False


def _accelerated(machine: Mapping[str, Node], scenario: Scenario) -> Content:
    answer = settle(machine["accelerated"], scenario).content
    origins = settle(machine["type"], scenario).origins if answer is True and "type" in machine else ()
    if any(origin.parameter is not None and origin.parameter.default is not None for origin in origins):
        return settle(machine["accelerated"], Scenario()).content
    return answer


def _speaks_of_ml(text: str) -> bool:
    return _ML_WORD.search(_HUMP.sub("-", text).lower().replace("_", "-")) is not None


def is_managed_ml(resource: Resource) -> bool:
    """Tell whether a resource is one of SageMaker or Bedrock."""
    return _ML_TYPE.match(resource.raw.type) is not None


def _ml_resources(subject: Subject) -> list[Resource]:
    return [sibling for sibling in subject.siblings if is_managed_ml(sibling) and not sibling.part_of]


def _runs_ml(subject: Subject) -> bool:
    """Tell whether the project runs machine learning as it is deployed by default."""

    def found(default: Scenario) -> bool:
        parts = (one.properties.get("machine_learning") for one in subject.siblings)
        return any(part is not None and settle(part, default).content is True for part in parts)

    return subject.siblings.memory.recall("runs machine learning", Scenario(), found)


def _referred_by_ml(subject: Subject) -> frozenset[str]:
    """Give the addresses that the ML resources of the project refer to as it is deployed by default.

    Found once for a project: which bucket a job writes to is no matter of every combination of parameters.
    """
    remembered = subject.settings.remembered
    if "referred by ml" not in remembered:
        default = Scenario()
        remembered["referred by ml"] = frozenset(
            without_keys(found.address)
            for sibling in _ml_resources(subject)
            for found in (*sibling.raw.refers_to, *references_in(sibling.raw.body, default))
        )
    return remembered["referred by ml"]
