"""Which types of resources a scan is about: a project that has none of them is not read any further."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mlguard.policy.model import Check, Clause, Combined, Policy, Quantified
from mlguard.vocabulary.model import Kind, Vocabulary, awscc_type

OF_THE_ACCOUNT = {"budgets.budget": "budget", "ce.anomaly_monitor": "anomaly monitor"}
"""Kinds of which one may serve projects that are deployed beside it, with what to call it."""


def judged_types(policies: Iterable[Policy], vocabulary: Vocabulary) -> frozenset[str]:
    """Give the raw types that a policy is judged over, or that bring a project or a job to be judged.

    Other types matter only where one of these refers to them, or is referred to.
    """
    policies = tuple(policies)
    types: set[str] = set()
    for kind in vocabulary.kinds.values():
        if kind.carries or any(_concerns(policy, kind, vocabulary) for policy in policies):
            types.update(kind.types)
    types.update(awscc_type(raw) for raw in tuple(types) if raw.startswith("AWS::"))
    types.update(name.partition(":")[2] for policy in policies for name in policy.applies_to if ":" in name)
    return frozenset(types)


def _concerns(policy: Policy, kind: Kind, vocabulary: Vocabulary) -> bool:
    if "project" in policy.applies_to:
        return bool(kind.machine_learning) or "machine_learning" in kind.properties or kind.name in OF_THE_ACCOUNT
    if "*" in policy.applies_to:
        return properties_needed(policy) <= {*vocabulary.common, *kind.properties}
    return kind.name in policy.applies_to


def properties_needed(policy: Policy) -> frozenset[str]:
    """Give the properties that a resource must be able to have, for a policy about all kinds to be about it."""
    clauses = (policy.require, policy.when)
    return frozenset(name for clause in clauses if clause is not None for name in _properties(clause))


def _properties(clause: Clause) -> Iterator[str]:
    """Give the properties of the resource itself that a clause names."""
    if isinstance(clause, Combined):
        for part in clause.parts:
            yield from _properties(part)
    elif isinstance(clause, Check | Quantified):
        yield clause.path
