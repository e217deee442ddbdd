"""Which calls of the API create a resource, and where the values of their condition keys stand in the code."""

from __future__ import annotations

from collections.abc import Mapping

from mlguard.record import record


@record()
class Key:
    """A condition key, and the paths of its value in each format; `machines` stands for all instance types.

    With `arn` the value is a name, which the request carries as an ARN of that form; with `item` it is that field of
    the item which the call is about.
    """

    name: str
    cloudformation: str = ""
    terraform: str = ""
    machines: bool = False
    arn: str = ""
    item: str = ""


@record()
class Call:
    """One call: the action, the ARN behind `arn:PARTITION:`, and its keys.

    `{name}`, `{region}` and `{account}` are filled in; `{any}` stands for an id that only AWS gives. `types` limits it
    to some raw types; `when` to resources that have this property of the vocabulary; `each` asks once for every item of
    such a property; `role` names where the role stands that makes the call, in each format.
    """

    action: str
    arn: str = ""
    keys: tuple[Key, ...] = ()
    types: tuple[str, ...] = ()
    when: str = ""
    each: str = ""
    role: tuple[str, str] = ("", "")


_TYPES = Key("sagemaker:InstanceTypes", machines=True)
_RUNTIME = Key(
    "sagemaker:MaxRuntimeInSeconds",
    "StoppingCondition.MaxRuntimeInSeconds",
    "stopping_condition.max_runtime_in_seconds",
)
_LIFECYCLE = Key(
    "sagemaker:NotebookInstanceLifecycleConfigArns",
    "LifecycleConfigName",
    "lifecycle_config_name",
    arn="sagemaker:{region}:{account}:notebook-instance-lifecycle-config/",
)
_KEEP_ALIVE = Key(
    "sagemaker:KeepAlivePeriod",
    "ResourceConfig.KeepAlivePeriodInSeconds",
    "resource_config.keep_alive_period_in_seconds",
)
_CONCURRENCY = Key(
    "sagemaker:ServerlessMaxConcurrency",
    "ProductionVariants[].ServerlessConfig.MaxConcurrency",
    "production_variants[].serverless_config.max_concurrency",
)
_EC2_TYPE = Key("ec2:InstanceType", machines=True)
_MARKET = Key("ec2:InstanceMarketType", "InstanceMarketOptions.MarketType", "instance_market_options.market_type")
_VOLUME = (Key("ec2:VolumeSize", item="size_gb"), Key("ec2:VolumeType", item="volume_type"))
_INSTANCE = ("AWS::EC2::Instance", "aws_instance")


def _sagemaker(action: str, kind: str, *keys: Key, types: tuple[str, ...] = (), name: str = "{name}") -> Call:
    return Call(f"sagemaker:{action}", f"sagemaker:{{region}}:{{account}}:{kind}/{name}", keys, types)


def _both(cloudformation: str, *terraform: str) -> tuple[str, ...]:
    return (f"AWS::{cloudformation}", *terraform)


CALLS: Mapping[str, tuple[Call, ...]] = {
    "sagemaker.notebook_instance": (_sagemaker("CreateNotebookInstance", "notebook-instance", _TYPES, _LIFECYCLE),),
    "sagemaker.notebook_lifecycle_config": (
        _sagemaker("CreateNotebookInstanceLifecycleConfig", "notebook-instance-lifecycle-config"),
    ),
    "sagemaker.endpoint_config": (_sagemaker("CreateEndpointConfig", "endpoint-config", _TYPES, _CONCURRENCY),),
    "sagemaker.endpoint": (_sagemaker("CreateEndpoint", "endpoint"),),
    "sagemaker.training_job": (_sagemaker("CreateTrainingJob", "training-job", _TYPES, _RUNTIME, _KEEP_ALIVE),),
    "sagemaker.tuning_job": (
        _sagemaker(
            "CreateHyperParameterTuningJob",
            "hyper-parameter-tuning-job",
            _TYPES,
            Key(
                "sagemaker:MaxRuntimeInSeconds",
                "TrainingJobDefinition.StoppingCondition.MaxRuntimeInSeconds",
                "training_job_definition.stopping_condition.max_runtime_in_seconds",
            ),
        ),
    ),
    "sagemaker.processing_job": (_sagemaker("CreateProcessingJob", "processing-job", _TYPES, _RUNTIME),),
    "sagemaker.transform_job": (_sagemaker("CreateTransformJob", "transform-job", _TYPES),),
    "sagemaker.monitoring_job": (
        _sagemaker(
            "CreateMonitoringSchedule",
            "monitoring-schedule",
            _TYPES,
            types=_both("SageMaker::MonitoringSchedule", "aws_sagemaker_monitoring_schedule"),
        ),
        *(
            _sagemaker(
                f"Create{name}JobDefinition",
                f"{kind}-job-definition",
                _TYPES,
                types=_both(f"SageMaker::{name}JobDefinition", *more),
            )
            for name, kind, more in (
                ("DataQuality", "data-quality", ("aws_sagemaker_data_quality_job_definition",)),
                ("ModelQuality", "model-quality", ()),
                ("ModelBias", "model-bias", ()),
                ("ModelExplainability", "model-explainability", ()),
            )
        ),
    ),
    "sagemaker.studio_domain": (_sagemaker("CreateDomain", "domain", _TYPES, name="{any}"),),
    "sagemaker.studio_user_profile": (_sagemaker("CreateUserProfile", "user-profile", _TYPES, name="{any}/{name}"),),
    "sagemaker.studio_space": (_sagemaker("CreateSpace", "space", _TYPES, name="{any}/{name}"),),
    "sagemaker.studio_app": (_sagemaker("CreateApp", "app", _TYPES, name="{any}/{any}/{any}/{name}"),),
    "sagemaker.cluster": (_sagemaker("CreateCluster", "cluster", _TYPES, name="{any}"),),
    "sagemaker.inference_experiment": (_sagemaker("CreateInferenceExperiment", "inference-experiment"),),
    "sagemaker.pipeline": (_sagemaker("CreatePipeline", "pipeline"),),
    "ec2.instance": (
        Call(
            "ec2:RunInstances",
            "ec2:{region}:{account}:instance/{any}",
            (_EC2_TYPE, _MARKET),
            _INSTANCE,
        ),
        Call("ec2:RunInstances", "ec2:{region}::image/{any}", (), _INSTANCE),
        *(
            Call(
                "ec2:RunInstances",
                f"ec2:{{region}}:{{account}}:{kind}/{{any}}",
                (),
                _INSTANCE,
            )
            for kind in ("network-interface", "security-group", "subnet")
        ),
        Call(
            "ec2:RunInstances",
            "ec2:{region}:{account}:volume/{any}",
            _VOLUME,
            _INSTANCE,
            each="volumes",
        ),
        Call(
            "ec2:RequestSpotInstances",
            "ec2:{region}:{account}:spot-instances-request/{any}",
            (),
            ("aws_spot_instance_request",),
        ),
    ),
    "ec2.volume": (Call("ec2:CreateVolume", "ec2:{region}:{account}:volume/{any}", _VOLUME, each="volumes"),),
    "ec2.launch_template": (Call("ec2:CreateLaunchTemplate", "ec2:{region}:{account}:launch-template/{any}"),),
    "ec2.fleet": (
        Call(
            "ec2:CreateFleet",
            "ec2:{region}:{account}:instance/{any}",
            (_EC2_TYPE,),
            _both("EC2::EC2Fleet", "aws_ec2_fleet"),
        ),
        Call(
            "ec2:RequestSpotFleet",
            "ec2:{region}:{account}:spot-fleet-request/{any}",
            (),
            _both("EC2::SpotFleet", "aws_spot_fleet_request"),
        ),
    ),
    "ec2.capacity_reservation": (
        Call(
            "ec2:CreateCapacityReservation",
            "ec2:{region}:{account}:capacity-reservation/{any}",
            (_EC2_TYPE, Key("ec2:EndDateType", "EndDateType", "end_date_type")),
        ),
    ),
    "autoscaling.group": (
        Call(
            "autoscaling:CreateAutoScalingGroup",
            "autoscaling:{region}:{account}:autoScalingGroup:00000000-0000-0000-0000-000000000000:autoScalingGroupName/{name}",
            (Key("autoscaling:InstanceTypes", machines=True), Key("autoscaling:MinSize", "MinSize", "min_size")),
        ),
    ),
    "autoscaling.launch_configuration": (
        Call(
            "autoscaling:CreateLaunchConfiguration",
            "autoscaling:{region}:{account}:launchConfiguration:{name}",
            (Key("autoscaling:InstanceType", machines=True),),
        ),
    ),
    "batch.compute_environment": (
        Call("batch:CreateComputeEnvironment", "batch:{region}:{account}:compute-environment/{name}"),
    ),
    "eks.node_group": (Call("eks:CreateNodegroup", "eks:{region}:{account}:cluster/{any}"),),
    "glue.development_endpoint": (Call("glue:CreateDevEndpoint"),),
    "emr.cluster": (
        Call("elasticmapreduce:RunJobFlow"),
        Call(
            "ec2:RunInstances",
            "ec2:{region}:{account}:instance/{any}",
            (_EC2_TYPE,),
            role=("ServiceRole", "service_role"),
        ),
    ),
    "emr.instance_group": (
        Call("elasticmapreduce:AddInstanceGroups", "elasticmapreduce:{region}:{account}:cluster/{any}"),
    ),
    "cloud9.environment": (
        Call(
            "cloud9:CreateEnvironmentEC2",
            "",
            (Key("cloud9:InstanceType", "InstanceType", "instance_type"),),
        ),
    ),
    "s3.bucket": (
        Call("s3:CreateBucket", "s3:::{name}"),
        Call("s3:PutLifecycleConfiguration", "s3:::{name}", when="lifecycle_rules"),
    ),
    "ecr.repository": (
        Call(
            "ecr:CreateRepository",
            "ecr:{region}:{account}:repository/{name}",
            (),
            _both("ECR::Repository", "aws_ecr_repository"),
        ),
        Call("ecr:PutLifecyclePolicy", "ecr:{region}:{account}:repository/{name}", when="lifecycle_policy"),
    ),
    "logs.log_group": (
        Call("logs:CreateLogGroup", "logs:{region}:{account}:log-group:{name}"),
        Call("logs:PutRetentionPolicy", "logs:{region}:{account}:log-group:{name}", when="retention_days"),
    ),
    "budgets.budget": (Call("budgets:ModifyBudget", "budgets::{account}:budget/{name}"),),
    "bedrock.agent": (Call("bedrock:CreateAgent"),),
    "bedrock.knowledge_base": (Call("bedrock:CreateKnowledgeBase"),),
    "bedrock.provisioned_throughput": (Call("bedrock:CreateProvisionedModelThroughput"),),
}
GLOBAL_SERVICES = {"budgets": "us-east-1"}
"""The region that AWS names for services which answer from one region only."""
