"""What a scan is made with: the policies there are, those that the user chose, the environment and own rates."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from mlguard.configuration import Configuration
from mlguard.errors import ConfigurationError, SourceError, UsageError
from mlguard.knowledge.rates import Rates, read_rates
from mlguard.policy.housekeeping import HOUSEKEEPING, PACK
from mlguard.policy.load import bundled_policies, load_folder
from mlguard.policy.model import Policy
from mlguard.source import Root


def known_policies(root: Root, configuration: Configuration, own: Sequence[Policy] = ()) -> tuple[Policy, ...]:
    """Give every policy there is: the bundled ones, a user's `own`, those of the folders in the configuration."""
    policies = [*bundled_policies(), *HOUSEKEEPING, *own]
    for folder in configuration.policies:
        inside = root.resolve("", folder)
        if inside is None or not root.is_folder(inside):
            raise ConfigurationError(f'the policy folder "{folder}" is not in the repository', configuration.path)
        policies.extend(load_folder(root, inside, folder, policies))
    return tuple(policies)


def chosen_policies(
    policies: Sequence[Policy], configuration: Configuration, select: Sequence[str] = (), ignore: Sequence[str] = ()
) -> tuple[Policy, ...]:
    """Give the policies that are judged: `select` stands instead of the configuration's, `ignore` beside it.

    Those about suppressions are judged with whatever is selected.
    """
    wanted = select or configuration.select
    about_the_check = (PACK,) if wanted else ()
    chosen = choose(policies, [*wanted, *about_the_check], [*ignore, *configuration.ignore])
    if configuration.budgets == "managed_elsewhere":
        chosen = tuple(one for one in chosen if one.pack != "budgets" or "project" not in one.applies_to)
    return chosen


def named_environment(name: str, configuration: Configuration) -> str:
    """Give the environment that a user means by a name or one of its words, empty for none; UsageError for no such."""
    words = configuration.parameters.environment_words()
    if name and name.lower() not in words:
        known = ", ".join(configuration.parameters.environments)
        raise UsageError(f'there is no environment "{name}"; there are {known}')
    return words[name.lower()] if name else ""


def rates_of(configuration: Configuration, root: Root) -> Rates:
    """Read the user's own rates, where the configuration names a file of them."""
    if not configuration.prices:
        return Rates()
    try:
        return read_rates(root.read(configuration.prices))
    except SourceError as error:
        raise ConfigurationError(f"prices: {error.message}", configuration.prices) from None


def choose(policies: Sequence[Policy], select: Sequence[str], ignore: Sequence[str]) -> tuple[Policy, ...]:
    """Choose policies by id, alias, pack or wildcard, the recommended ones by default.

    `recommended` is the pack of those, `strict` or `all` that of every policy. UsageError for a name that chooses
    nothing.
    """
    for name in (*select, *ignore):
        if not any(_named(policy, name) for policy in policies):
            known = ", ".join(sorted({policy.pack for policy in policies} | {"recommended", "strict"}))
            raise UsageError(f'"{name}" is neither a policy nor a pack; packs are {known}; see `mlguard policies`')
    wanted = select or ("recommended",)
    chosen = [policy for policy in policies if any(_named(policy, name) for name in wanted)]
    return tuple(policy for policy in chosen if not any(_named(policy, name) for name in ignore))


def _named(policy: Policy, name: str) -> bool:
    name = name.lower()
    if name in ("strict", "all") or (name == "recommended" and policy.recommended):
        return True
    return any(fnmatchcase(one.lower(), name) for one in (policy.id, policy.pack, *policy.aliases))
