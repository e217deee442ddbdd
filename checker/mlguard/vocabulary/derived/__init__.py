"""Properties that no format spells: each is a typed function over a resource, registered by name.

A function gets the subject and the scenario and gives a content, or a whole node when the place matters. What it
cannot know it gives as Unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mlguard.scenario import Scenario
from mlguard.value import Content, Node
from mlguard.vocabulary.derived import (
    buckets,
    budgets,
    context,
    machines,
    outputs,
    registries,
    scripts,
    storage,
    studio,
    transitions,
)
from mlguard.vocabulary.derived.subject import Settings, Subject

Derivation = Callable[[Subject, Scenario], Content | Node]

DERIVED: Mapping[str, Derivation] = {
    "environment": context.environment,
    "ml_scope": context.ml_scope,
    "region": context.region,
    "region_is_required": context.region_is_required,
    "lifecycle_state": buckets.lifecycle_state,
    "run_outputs": outputs.run_outputs,
    "joined_with_bucket": buckets.joined_with_bucket,
    "lifecycle_coverage": buckets.lifecycle_coverage,
    "keeps_versions": buckets.keeps_versions,
    "old_versions": buckets.old_versions,
    "unfinished_uploads": buckets.unfinished_uploads,
    "live_models": buckets.live_models,
    "accelerated": machines.accelerated,
    "family": machines.family,
    "hourly_usd": machines.hourly_usd,
    "monthly_usd": machines.monthly_usd,
    "region_premium": machines.region_premium,
    "region_premium_percent": machines.region_premium_percent,
    "cheapest_region": machines.cheapest_region,
    "constraint": machines.constraint,
    "constrained_by": machines.constrained_by,
    "idle_stop": scripts.idle_stop,
    "script_stop": scripts.stop_state,
    "script_idle_seconds": scripts.idle_seconds,
    "idle_apps": studio.idle_apps,
    "image_expiry": registries.image_expiry,
    "subscriber_state": budgets.subscriber_state,
    "volume_type": storage.volume_type,
    "volume_price_item": storage.volume_price_item,
    "on_ebs": storage.on_ebs,
    "machine_learning_price_item": storage.machine_learning_price_item,
    "lustre_price_item": storage.lustre_price_item,
    "storage_moves": transitions.storage_moves,
    "machine_learning": context.machine_learning,
}

__all__ = ["DERIVED", "Derivation", "Settings", "Subject"]
