"""Properties that no format spells: each is a typed function over a resource, registered by name.

A function gets the subject and the scenario and gives a content, or a whole node when the place matters. What it
cannot know it gives as Unknown. It has the name of the property; its module is read when a policy first looks at it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module

from mlguard.scenario import Scenario
from mlguard.value import Content, Node
from mlguard.vocabulary.derived.subject import Settings, Siblings, Subject

Derivation = Callable[[Subject, Scenario], Content | Node]

_BY_MODULE: Mapping[str, tuple[str, ...]] = {
    "batch": ("batch_gpus", "runs_multi_node_jobs"),
    "batch_bounds": ("any_size_of", "batch_hardware", "worst_case", "worst_hourly_usd"),
    "bedrock": (
        "bedrock_model_name",
        "bedrock_model_source",
        "bedrock_price",
        "commitment_approved",
        "router_saving",
        "prompt_static_tokens",
        "prompt_model_caches",
        "prompt_model_size",
        "prompt_input_usd",
        "prompt_cached_usd",
    ),
    "bedrock_access": ("bedrock_grants",),
    "buckets": (
        "lifecycle_state",
        "joined_with_bucket",
        "lifecycle_coverage",
        "keeps_versions",
        "old_versions",
        "unfinished_uploads",
        "live_models",
    ),
    "budgets": (
        "subscriber_state",
        "alert_percent",
        "alerts_at",
        "budget_limit_state",
        "monthly_limit_usd",
        "budget_period_state",
        "action_state",
    ),
    "capacity": ("instance_peaks",),
    "context": ("environment", "ml_scope", "near_ml", "region", "region_is_required", "machine_learning"),
    "endpoint_scaling": ("component_scaling", "scale_in"),
    "endpoints": ("variant_label", "variant_hosting", "endpoint_variants", "endpoint_twins", "is_deleted_by_schedule"),
    "fleets": ("runs_accelerators", "instance_stop", "kept_accelerators"),
    "generations": ("replacement", "other_silicon"),
    "iam": ("iam_statements", "managed_policy_name"),
    "iam_compute": ("sagemaker_grants",),
    "jobs": ("is_called_spot", "limited_by_submission", "run_work", "wait_ratio", "repeats_runs"),
    "karpenter": ("node_pools",),
    "machines": (
        "accelerated",
        "family",
        "hourly_usd",
        "monthly_usd",
        "region_premium",
        "region_premium_percent",
        "cheapest_region",
        "constraint",
        "constrained_by",
    ),
    "monitoring": (
        "anomaly_alert_state",
        "anomaly_threshold_usd",
        "dimension_names",
        "alarm_state",
        "capture_percent",
        "runs_per_day",
    ),
    "networks": ("s3_path", "ml_behind_nat"),
    "offers": ("offered", "offered_in"),
    "organizations": ("scp_defects",),
    "outputs": ("run_outputs",),
    "purchasing": ("accelerated_nodes",),
    "regions": ("runs_ml", "ml_regions", "region_number", "data_sources"),
    "registries": ("image_expiry",),
    "removal": ("left_behind",),
    "scripts": ("idle_stop", "script_stop", "script_idle_seconds"),
    "sessions": ("session_stop",),
    "state_loops": ("retry_loops",),
    "storage": ("volume_type", "volume_price_item", "on_ebs", "machine_learning_price_item", "lustre_price_item"),
    "studio": ("idle_apps",),
    "tags": (
        "missing_cost_tags",
        "empty_cost_tags",
        "environment_tag",
        "lifetime_tag",
        "tag_propagation",
        "billing_gap",
    ),
    "trails": ("data_events",),
    "transitions": ("storage_moves",),
    "vector_stores": ("collection_capacity", "group_capacity", "index_capacity"),
    "workloads": ("without_accelerator", "image_work", "accelerator_wanted"),
}
DERIVED: Mapping[str, str] = {name: module for module, names in _BY_MODULE.items() for name in names}
"""The module of this package in which each derived property is a function."""


@cache
def derivation(name: str) -> Derivation:
    """Give the function that derives a property."""
    made: Derivation = getattr(import_module(f"{__name__}.{DERIVED[name]}"), name)
    return made


__all__ = ["DERIVED", "Derivation", "Settings", "Siblings", "Subject", "derivation"]
