"""Properties that no format spells: each is a typed function over a resource, registered by name.

A function gets the subject and the scenario and gives a content, or a whole node when the place matters. What it
cannot know it gives as Unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mlguard.scenario import Scenario
from mlguard.value import Content, Node
from mlguard.vocabulary.derived import (
    bedrock,
    bedrock_access,
    buckets,
    budgets,
    context,
    iam,
    machines,
    registries,
    scripts,
    studio,
    tags,
    vector_stores,
)
from mlguard.vocabulary.derived.subject import Settings, Subject

Derivation = Callable[[Subject, Scenario], Content | Node]

DERIVED: Mapping[str, Derivation] = {
    "environment": context.environment,
    "ml_scope": context.ml_scope,
    "region": context.region,
    "region_is_required": context.region_is_required,
    "lifecycle_state": buckets.lifecycle_state,
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
    "machine_learning": context.machine_learning,
    "iam_statements": iam.iam_statements,
    "managed_policy_name": iam.managed_policy_name,
    "bedrock_grants": bedrock_access.bedrock_grants,
    "collection_capacity": vector_stores.collection_capacity,
    "group_capacity": vector_stores.group_capacity,
    "index_capacity": vector_stores.index_capacity,
    "missing_cost_tags": tags.missing_cost_tags,
    "empty_cost_tags": tags.empty_cost_tags,
    "environment_tag": tags.environment_tag,
    "lifetime_tag": tags.lifetime_tag,
    "tag_propagation": tags.tag_propagation,
    "billing_gap": tags.billing_gap,
    "bedrock_model_name": bedrock.bedrock_model_name,
    "bedrock_model_source": bedrock.bedrock_model_source,
    "bedrock_price": bedrock.bedrock_price,
    "commitment_approved": bedrock.commitment_approved,
    "router_saving": bedrock.router_saving,
    "prompt_static_tokens": bedrock.prompt_static_tokens,
    "prompt_model_caches": bedrock.prompt_model_caches,
    "prompt_model_size": bedrock.prompt_model_size,
    "prompt_input_usd": bedrock.prompt_input_usd,
    "prompt_cached_usd": bedrock.prompt_cached_usd,
}

__all__ = ["DERIVED", "Derivation", "Settings", "Subject"]
