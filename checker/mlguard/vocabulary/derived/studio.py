"""SageMaker Studio: which applications a domain, profile or space leaves running when nobody uses them."""

from __future__ import annotations

from mlguard.scenario import Scenario
from mlguard.value import Content, Entries, Items, Node, Unknown, child, items, text_of
from mlguard.vocabulary.derived.subject import Subject
from mlguard.vocabulary.model import snake_case

_APPS = ("JupyterLab", "CodeEditor")
_SETTINGS = {
    "sagemaker.studio_domain": (("DefaultUserSettings", True), ("DefaultSpaceSettings", False)),
    "sagemaker.studio_user_profile": (("UserSettings", False),),
    "sagemaker.studio_space": (("SpaceSettings", False),),
}
_INHERITED = ("UserSettings", "SpaceSettings")


def idle_apps(subject: Subject, scenario: Scenario) -> Node:
    """List the applications that the resource configures: `app`, `where`, `state`, `minutes` and `longest_minutes`.

    `minutes` is after how many idle minutes it is shut down, `longest_minutes` what a user may raise that to.
    `state` is `enabled`, `disabled`, `no-timeout` (enabled without saying when) or `missing`. A domain speaks for
    every user, so an application that its user settings do not mention is missing; the settings of shared spaces need
    not mention one. A profile and a space inherit the shutdown that they do not mention, and a space has no switch.
    """
    snake = subject.resource.raw.format == "terraform"
    found: list[Node] = []
    for section, required in _SETTINGS[subject.resource.kind]:
        settings = subject.raw(snake_case(section) if snake else section, scenario)
        if settings is None and not required:
            continue
        base = settings or Node(None, subject.resource.raw.name_span)
        hidden = _hidden_apps(base, snake, scenario)
        found.extend(_apps(base, section, hidden, scenario, snake=snake, required=required))
    return Node(Items(tuple(found)), subject.resource.raw.name_span)


def _apps(
    settings: Node, section: str, hidden: frozenset[str] | Unknown, scenario: Scenario, *, snake: bool, required: bool
) -> list[Node]:
    found = []
    for app in _APPS:
        if app == "CodeEditor" and section == "DefaultSpaceSettings":
            continue  # shared spaces have no Code Editor
        if isinstance(hidden, frozenset) and app in hidden:
            continue
        key = f"{app}AppSettings"
        below = child(settings, snake_case(key) if snake else key, scenario)
        if below is None and not required:
            continue
        place = below if below is not None and below.key_span is not None else settings
        state, times = _state(below, snake, scenario)
        if section in _INHERITED and state == "missing":
            if "minutes" not in times:
                continue
            state = "enabled"
        if isinstance(hidden, Unknown) and state == "missing":
            state = hidden
        fields = {"app": app, "where": section, "state": state}
        nodes = {name: Node(content, place.span, place.key_span) for name, content in fields.items()} | times
        found.append(Node(Entries(nodes), place.span, place.key_span, place.origins))
    return found


def _state(settings: Node | None, snake: bool, scenario: Scenario) -> tuple[Content, dict[str, Node]]:  # noqa: FBT001
    here = settings
    for key in ("AppLifecycleManagement", "IdleSettings"):
        here = child(here, snake_case(key) if snake else key, scenario) if here is not None else None
    if here is None:
        return "missing", {}
    if isinstance(here.content, Unknown):
        return here.content, {}
    managed = child(here, "lifecycle_management" if snake else "LifecycleManagement", scenario)
    if managed is not None and isinstance(managed.content, Unknown):
        return managed.content, {}
    if managed is not None and text_of(managed.content) != "ENABLED":
        return "disabled", {}
    times = {}
    for name, key in (("minutes", "IdleTimeoutInMinutes"), ("longest_minutes", "MaxIdleTimeoutInMinutes")):
        given = child(here, snake_case(key) if snake else key, scenario)
        if given is not None:
            times[name] = given
    if managed is None:
        return "missing", times
    return "enabled" if "minutes" in times else "no-timeout", times


def _hidden_apps(settings: Node, snake: bool, scenario: Scenario) -> frozenset[str] | Unknown:  # noqa: FBT001
    portal = child(settings, "studio_web_portal_settings" if snake else "StudioWebPortalSettings", scenario)
    hidden = child(portal, "hidden_app_types" if snake else "HiddenAppTypes", scenario) if portal else None
    listed = items(hidden, scenario)
    if isinstance(listed, Unknown):
        return listed
    return frozenset(text for node in listed.nodes if (text := text_of(node.content)) is not None)
