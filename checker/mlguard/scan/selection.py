"""What a scan is made with: the policies there are, those that are chosen, and the rates, for each configuration."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from mlguard.configuration import Configuration, Configurations
from mlguard.configuration.fields import place_of
from mlguard.errors import ConfigurationError, SourceError, UsageError
from mlguard.knowledge.rates import Rates, read_rates
from mlguard.policy.housekeeping import HOUSEKEEPING, PACK
from mlguard.policy.load import bundled_policies, load_folder
from mlguard.policy.model import Policy
from mlguard.scan.options import Terms
from mlguard.source import Root


class Selection:
    """By what each project is judged, told by its path; what the command line says stands above every configuration.

    `own` are the policies of folders that the command line names. The folders of a configuration hold for the projects
    below it, but no two policies of a run have one id. A configuration is known by the nearest file that it is from.
    """

    def __init__(
        self,
        root: Root,
        configurations: Configurations,
        own: Sequence[Policy] = (),
        select: Sequence[str] = (),
        ignore: Sequence[str] = (),
    ) -> None:
        self._root = root
        self._configurations = configurations
        self._own = tuple(own)
        self._select = tuple(select)
        self._ignore = tuple(ignore)
        self._folders: dict[str, tuple[Policy, ...]] = {}
        self._terms: dict[str, Terms] = {}
        self._of_path: dict[str, Terms] = {}

    def __call__(self, path: str) -> Terms:
        """Give the terms of the project at a path, `.` or empty for the root."""
        if path not in self._of_path:
            configuration = self._configurations.of_path("" if path == "." else path)
            if configuration.path not in self._terms:
                self._terms[configuration.path] = self._made(configuration)
            self._of_path[path] = self._terms[configuration.path]
        return self._of_path[path]

    def _made(self, configuration: Configuration) -> Terms:
        top = self._configurations.of("")
        own = self._of_folders(configuration)
        more = self._of_folders(top) if top.mandatory else ()
        known = (*bundled_policies(), *HOUSEKEEPING, *self._own, *own)
        everything = (*known, *(policy for policy in more if policy not in own))
        mandatory = mandatory_ids(everything, top, configuration)
        chosen = {policy.id for policy in chosen_policies(known, configuration, self._select, self._ignore)} | mandatory
        judged = tuple(policy for policy in everything if policy.id in chosen)
        return Terms(configuration, judged, everything, rates_of(configuration, self._root), mandatory)

    def _of_folders(self, configuration: Configuration) -> tuple[Policy, ...]:
        """Give the own policies of a configuration."""
        for folder in configuration.policies:
            if folder not in self._folders:
                others = [*self._own, *(policy for read in self._folders.values() for policy in read)]
                self._folders[folder] = policies_in(self._root, folder, configuration, others)
        return tuple(policy for folder in configuration.policies for policy in self._folders[folder])


def policies_in(root: Root, folder: str, configuration: Configuration, others: Sequence[Policy]) -> tuple[Policy, ...]:
    """Read the own policies of a folder that a configuration names."""
    inside = root.resolve("", folder)
    if inside is None or not root.is_folder(inside):
        message = f'the policy folder "{folder}" is not in the repository'
        raise _refused(message, configuration, "policies")
    return load_folder(root, inside, folder, others)


def known_policies(root: Root, configuration: Configuration, own: Sequence[Policy] = ()) -> tuple[Policy, ...]:
    """Give every policy there is: the bundled ones, a user's `own`, those of the folders in the configuration."""
    policies = [*bundled_policies(), *HOUSEKEEPING, *own]
    for folder in configuration.policies:
        policies.extend(policies_in(root, folder, configuration, policies))
    return tuple(policies)


def chosen_policies(
    policies: Sequence[Policy],
    configuration: Configuration,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    mandatory: frozenset[str] = frozenset(),
) -> tuple[Policy, ...]:
    """Give the policies that are judged: `select` stands instead of the configuration's, `ignore` beside it.

    Those about suppressions are judged with whatever is selected, mandatory ones with whatever is ignored.
    """
    for setting, names in (("select", () if select else configuration.select), ("ignore", configuration.ignore)):
        unknown = _unknown(policies, names)
        if unknown:
            raise _refused(unknown, configuration, setting)
    wanted = select or configuration.select
    about_the_check = (PACK,) if wanted else ()
    chosen = choose(policies, [*wanted, *about_the_check], [*ignore, *configuration.ignore])
    if configuration.budgets == "managed_elsewhere":
        chosen = tuple(one for one in chosen if one.pack != "budgets" or "project" not in one.applies_to)
    ids = {policy.id for policy in chosen} | mandatory
    return tuple(policy for policy in policies if policy.id in ids)


def mandatory_ids(policies: Sequence[Policy], *configurations: Configuration) -> frozenset[str]:
    """Give the policies that nothing in the code leaves out: a folder may make more of them mandatory, never fewer."""
    found: set[str] = set()
    for configuration in configurations:
        unknown = _unknown(policies, configuration.mandatory)
        if unknown:
            raise _refused(unknown, configuration, "mandatory")
        found.update(one.id for one in policies if any(_named(one, name) for name in configuration.mandatory))
    return frozenset(found)


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
        raise _refused(f"prices: {configuration.prices}: {error.message}", configuration, "prices") from None


def choose(policies: Sequence[Policy], select: Sequence[str], ignore: Sequence[str]) -> tuple[Policy, ...]:
    """Choose policies by id, alias, pack or wildcard, the recommended ones by default.

    `recommended` is the pack of those, `strict` or `all` that of every policy. UsageError for a name that chooses
    nothing.
    """
    unknown = _unknown(policies, (*select, *ignore))
    if unknown:
        raise UsageError(unknown)
    wanted = select or ("recommended",)
    chosen = [policy for policy in policies if any(_named(policy, name) for name in wanted)]
    return tuple(policy for policy in chosen if not any(_named(policy, name) for name in ignore))


def _unknown(policies: Sequence[Policy], names: Sequence[str]) -> str:
    """Say which of the names chooses nothing; empty where each one does."""
    for name in names:
        if not any(_named(policy, name) for policy in policies):
            known = ", ".join(sorted({policy.pack for policy in policies} | {"recommended", "strict"}))
            return f'"{name}" is neither a policy nor a pack; packs are {known}; see `mlguard policies`'
    return ""


def _refused(message: str, configuration: Configuration, setting: str) -> ConfigurationError:
    at = configuration.origins.get(setting)
    return ConfigurationError(message, *(place_of(at) if at is not None else (configuration.path,)))


def _named(policy: Policy, name: str) -> bool:
    name = name.lower()
    if name in ("strict", "all") or (name == "recommended" and policy.recommended):
        return True
    return any(fnmatchcase(one.lower(), name) for one in (policy.id, policy.pack, *policy.aliases))
