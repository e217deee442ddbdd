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
    buckets,
    budgets,
    context,
    endpoint_scaling,
    endpoints,
    fleets,
    jobs,
    machines,
    monitoring,
    networks,
    offers,
    organizations,
    regions,
    registries,
    removal,
    scripts,
    sessions,
    state_loops,
    studio,
    trails,
)
from mlguard.vocabulary.derived.subject import Settings, Siblings, Subject

Derivation = Callable[[Subject, Scenario], Content | Node]

DERIVED: Mapping[str, Derivation] = {
    "environment": context.environment,
    "ml_scope": context.ml_scope,
    "region": context.region,
    "region_is_required": context.region_is_required,
    "batch_gpus": batch.batch_gpus,
    "lifecycle_state": buckets.lifecycle_state,
    "accelerated": machines.accelerated,
    "family": machines.family,
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
    "runs_accelerators": fleets.runs_accelerators,
    "instance_stop": fleets.instance_stop,
    "kept_accelerators": fleets.kept_accelerators,
    "left_behind": removal.left_behind,
    "session_stop": sessions.session_stop,
    "idle_apps": studio.idle_apps,
    "image_expiry": registries.image_expiry,
    "subscriber_state": budgets.subscriber_state,
    "scp_defects": organizations.scp_defects,
    "machine_learning": context.machine_learning,
    "variant_label": endpoints.variant_label,
    "variant_hosting": endpoints.variant_hosting,
    "endpoint_variants": endpoints.endpoint_variants,
    "endpoint_twins": endpoints.endpoint_twins,
    "is_deleted_by_schedule": endpoints.is_deleted_by_schedule,
    "component_scaling": endpoint_scaling.component_scaling,
    "scale_in": endpoint_scaling.scale_in,
    "is_called_spot": jobs.is_called_spot,
    "limited_by_submission": jobs.limited_by_submission,
    "run_work": jobs.run_work,
    "wait_ratio": jobs.wait_ratio,
    "retry_loops": state_loops.retry_loops,
    "repeats_runs": jobs.repeats_runs,
    "alert_percent": budgets.alert_percent,
    "alerts_at": budgets.alerts_at,
    "budget_limit_state": budgets.budget_limit_state,
    "monthly_limit_usd": budgets.monthly_limit_usd,
    "budget_period_state": budgets.budget_period_state,
    "action_state": budgets.action_state,
    "anomaly_alert_state": monitoring.anomaly_alert_state,
    "anomaly_threshold_usd": monitoring.anomaly_threshold_usd,
    "dimension_names": monitoring.dimension_names,
    "alarm_state": monitoring.alarm_state,
    "data_events": trails.data_events,
    "capture_percent": monitoring.capture_percent,
    "runs_per_day": monitoring.runs_per_day,
    "runs_ml": regions.runs_ml,
    "ml_regions": regions.ml_regions,
    "region_number": regions.region_number,
    "data_sources": regions.data_sources,
    "s3_path": networks.s3_path,
    "ml_behind_nat": networks.ml_behind_nat,
}

__all__ = ["DERIVED", "Derivation", "Settings", "Siblings", "Subject"]
