"""Which policies there are, and which of them are judged: the bundled ones, a user's own, and the user's choice."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from mlguard.configuration import Configuration
from mlguard.errors import ConfigurationError, UsageError
from mlguard.policy.load import bundled_policies, load_folder
from mlguard.policy.model import Policy
from mlguard.source import Root


def known_policies(root: Root, configuration: Configuration, own: Sequence[Policy] = ()) -> tuple[Policy, ...]:
    """Give every policy there is: the bundled ones, a user's `own`, those of the folders in the configuration."""
    policies = [*bundled_policies(), *own]
    for folder in configuration.policies:
        if root.resolve("", folder) is None or not root.is_folder(folder):
            raise ConfigurationError(f'the policy folder "{folder}" is not in the repository', configuration.path)
        policies.extend(load_folder(root.folder / folder, folder, policies))
    return tuple(policies)


def chosen_policies(
    policies: Sequence[Policy], configuration: Configuration, select: Sequence[str] = (), ignore: Sequence[str] = ()
) -> tuple[Policy, ...]:
    """Give the policies that are judged: `select` stands instead of the configuration's, `ignore` beside it."""
    chosen = choose(policies, select or configuration.select, [*ignore, *configuration.ignore])
    if configuration.budgets_managed_elsewhere:
        chosen = tuple(policy for policy in chosen if policy.id != "ml-project-without-budget")
    return chosen


def named_environment(name: str, configuration: Configuration) -> str:
    """Give the environment that a user means by a name or one of its words, empty for none; UsageError for no such."""
    words = configuration.parameters.environment_words()
    if name and name.lower() not in words:
        known = ", ".join(configuration.parameters.environments)
        raise UsageError(f'there is no environment "{name}"; there are {known}')
    return words[name.lower()] if name else ""


def choose(policies: Sequence[Policy], select: Sequence[str], ignore: Sequence[str]) -> tuple[Policy, ...]:
    """Choose policies by id, alias, pack or wildcard; UsageError for a name that chooses nothing."""
    for name in (*select, *ignore):
        if not any(_named(policy, name) for policy in policies):
            known = ", ".join(sorted({policy.pack for policy in policies}))
            raise UsageError(f'"{name}" is neither a policy nor a pack; packs are {known}; see `mlguard policies`')
    chosen = [policy for policy in policies if not select or any(_named(policy, name) for name in select)]
    return tuple(policy for policy in chosen if not any(_named(policy, name) for name in ignore))


def _named(policy: Policy, name: str) -> bool:
    names = (policy.id, policy.pack, "all", *policy.aliases)
    return any(fnmatchcase(one.lower(), name.lower()) for one in names)
