"""Properties that no format spells: each is a typed function over a resource, registered by name.

A function gets the subject and the scenario and gives a content, or a whole node when the place matters. What it
cannot know it gives as Unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mlguard.scenario import Scenario
from mlguard.value import Content, Node
from mlguard.vocabulary.derived import (
    batch,
    batch_bounds,
    buckets,
    budgets,
    capacity,
    context,
    generations,
    iam,
    iam_compute,
    karpenter,
    machines,
    offers,
    purchasing,
    registries,
    scripts,
    studio,
    workloads,
)
from mlguard.vocabulary.derived.subject import Settings, Subject

Derivation = Callable[[Subject, Scenario], Content | Node]

DERIVED: Mapping[str, Derivation] = {
    "environment": context.environment,
    "ml_scope": context.ml_scope,
    "region": context.region,
    "region_is_required": context.region_is_required,
    "batch_gpus": batch.batch_gpus,
    "any_size_of": batch_bounds.any_size_of,
    "batch_hardware": batch_bounds.batch_hardware,
    "worst_case": batch_bounds.worst_case,
    "worst_hourly_usd": batch_bounds.worst_hourly_usd,
    "instance_peaks": capacity.instance_peaks,
    "lifecycle_state": buckets.lifecycle_state,
    "accelerated": machines.accelerated,
    "family": machines.family,
    "replacement": generations.replacement,
    "without_accelerator": workloads.without_accelerator,
    "image_work": workloads.image_work,
    "accelerator_wanted": workloads.accelerator_wanted,
    "iam_statements": iam.iam_statements,
    "managed_policy_name": iam.managed_policy_name,
    "sagemaker_grants": iam_compute.sagemaker_grants,
    "node_pools": karpenter.node_pools,
    "other_silicon": generations.other_silicon,
    "accelerated_nodes": purchasing.accelerated_nodes,
    "hourly_usd": machines.hourly_usd,
    "monthly_usd": machines.monthly_usd,
    "region_premium": machines.region_premium,
    "region_premium_percent": machines.region_premium_percent,
    "cheapest_region": machines.cheapest_region,
    "offered": offers.offered,
    "offered_in": offers.offered_in,
    "constraint": machines.constraint,
    "constrained_by": machines.constrained_by,
    "idle_stop": scripts.idle_stop,
    "script_stop": scripts.stop_state,
    "script_idle_seconds": scripts.idle_seconds,
    "idle_apps": studio.idle_apps,
    "image_expiry": registries.image_expiry,
    "subscriber_state": budgets.subscriber_state,
    "machine_learning": context.machine_learning,
}

__all__ = ["DERIVED", "Derivation", "Settings", "Subject"]
