"""Compare a scan of CloudFormation with other linters: `python benchmarks/cloudformation.py [--template FILE]`.

Two tables: one template of about 1,000 lines, full of machine learning, and a folder of 500 templates of about 100
lines, each fourth of them likewise and the others ordinary services; both are written by this script unless they are
given. With `--peers` cfn-lint and checkov are measured too, each installed into a virtual environment.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from measure import Contender, installed, mlguard, tables, version

_HEAD = """AWSTemplateFormatVersion: "2010-09-09"
Description: machine learning workloads of team {number}
Parameters:
  Environment:
    Type: String
    Default: dev
    AllowedValues: [dev, prod]
  RoleArn:
    Type: String
Conditions:
  IsProduction: !Equals [!Ref Environment, prod]
Resources:
"""
_NOTEBOOK = """  Notebook{number}:
    Type: AWS::SageMaker::NotebookInstance
    Properties:
      NotebookInstanceName: !Sub "${{Environment}}-notebook-{number}"
      InstanceType: !If [IsProduction, ml.m5.xlarge, ml.t3.medium]
      RoleArn: !Ref RoleArn
      VolumeSizeInGB: {size}
      Tags:
        - Key: Project
          Value: forecast-{number}
"""
_ENDPOINT = """  Model{number}:
    Type: AWS::SageMaker::Model
    Properties:
      ExecutionRoleArn: !Ref RoleArn
      PrimaryContainer:
        Image: !Sub "${{AWS::AccountId}}.dkr.ecr.${{AWS::Region}}.amazonaws.com/model:{number}"
        ModelDataUrl: !Sub "s3://${{Bucket{number}}}/model.tar.gz"
  EndpointConfig{number}:
    Type: AWS::SageMaker::EndpointConfig
    Properties:
      ProductionVariants:
        - VariantName: main
          ModelName: !GetAtt Model{number}.ModelName
          InitialInstanceCount: {count}
          InstanceType: ml.g5.2xlarge
          InitialVariantWeight: 1
  Endpoint{number}:
    Type: AWS::SageMaker::Endpoint
    Properties:
      EndpointConfigName: !GetAtt EndpointConfig{number}.EndpointConfigName
  Bucket{number}:
    Type: AWS::S3::Bucket
    DeletionPolicy: Retain
    UpdateReplacePolicy: Retain
    Properties:
      BucketEncryption:
        ServerSideEncryptionConfiguration:
          - ServerSideEncryptionByDefault:
              SSEAlgorithm: aws:kms
  Logs{number}:
    Type: AWS::Logs::LogGroup
    DeletionPolicy: Delete
    UpdateReplacePolicy: Delete
    Properties:
      LogGroupName: !Sub "/ml/${{Environment}}/{number}"
  Role{number}:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement:
          - Effect: Allow
            Principal:
              Service: sagemaker.amazonaws.com
            Action: sts:AssumeRole
"""
_SERVICE = """  Queue{number}:
    Type: AWS::SQS::Queue
    DeletionPolicy: Delete
    UpdateReplacePolicy: Delete
    Properties:
      QueueName: !Sub "${{Environment}}-orders-{number}"
      VisibilityTimeout: {size}
  Function{number}:
    Type: AWS::Lambda::Function
    Properties:
      Role: !Ref RoleArn
      Runtime: python3.13
      Handler: index.handler
      MemorySize: !If [IsProduction, 512, 128]
      Timeout: {count}
      Code:
        ZipFile: "def handler(event, context): pass"
      Environment:
        Variables:
          QUEUE: !Ref Queue{number}
  Source{number}:
    Type: AWS::Lambda::EventSourceMapping
    Properties:
      EventSourceArn: !GetAtt Queue{number}.Arn
      FunctionName: !Ref Function{number}
      BatchSize: {count}
  Table{number}:
    Type: AWS::DynamoDB::Table
    DeletionPolicy: Retain
    UpdateReplacePolicy: Retain
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions:
        - AttributeName: id
          AttributeType: S
      KeySchema:
        - AttributeName: id
          KeyType: HASH
  Alarm{number}:
    Type: AWS::CloudWatch::Alarm
    Properties:
      Namespace: AWS/Lambda
      MetricName: Errors
      Dimensions:
        - Name: FunctionName
          Value: !Ref Function{number}
      ComparisonOperator: GreaterThanThreshold
      EvaluationPeriods: {count}
      Period: 300
      Statistic: Sum
      Threshold: 0
"""


def template(lines: int, number: int, *, machine_learning: bool = True) -> str:
    """Write a template of at least so many lines, different for each number."""
    text = _HEAD.format(number=number)
    index = 0
    while text.count("\n") < lines:
        index += 1
        part = _SERVICE if not machine_learning else _NOTEBOOK if index % 3 == 0 else _ENDPOINT
        text += part.format(number=index, size=5 + (number + index) % 200, count=1 + (number + index) % 4)
    return text


def contenders(target: Path, work: Path, *, peers: bool) -> list[Contender]:
    """Give the programs to compare on a template or a folder, mlguard first."""
    found = [
        mlguard([str(target)], work / "cold", cold=True),
        mlguard([str(target)], work / "warm", cold=False),
    ]
    if peers:
        lint, checkov = installed(work, "cfn-lint"), installed(work, "checkov")
        given = ["-d" if target.is_dir() else "-f", str(target)]
        pattern = f"{target}/**/*.yaml" if target.is_dir() else str(target)
        found += [
            Contender(
                f"cfn-lint {version(lint, 'cfn-lint')}",
                [str(lint / "cfn-lint"), "--format", "json", pattern],
                good=frozenset(range(32)),
            ),
            Contender(
                f"checkov {version(checkov, 'checkov')}",
                [str(checkov / "checkov"), "--framework", "cloudformation", "--skip-download", "--quiet", *given],
            ),
        ]
    return found


def main() -> int:
    """Measure, and print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--template", type=Path, help="a template to use instead of the one that the script writes")
    parser.add_argument("--folder", type=Path, help="a folder of templates, likewise")
    parser.add_argument("--templates", type=int, default=500, help="how many templates to write into the folder")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--peers", action="store_true", help="install cfn-lint and checkov, and measure them too")
    parser.add_argument("--work", type=Path, help="keep the peers in this folder; a temporary one by default")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = (options.work or Path(temporary)).resolve()
        work.mkdir(parents=True, exist_ok=True)
        one, many = options.template, options.folder
        if one is None:
            one = Path(temporary) / "large" / "template.yaml"
            one.parent.mkdir()
            one.write_text(template(1_000, 0), encoding="utf-8")
        if many is None:
            many = Path(temporary) / "templates"
            many.mkdir()
            for number in range(options.templates):
                text = template(100, number, machine_learning=number % 4 == 0)
                (many / f"{number:03}.yaml").write_text(text, encoding="utf-8")
        files = [path for path in many.rglob("*") if path.is_file()]
        lines = one.read_text(encoding="utf-8").count("\n")
        wanted = ((f"one template of {lines:,} lines", one), (f"{len(files)} templates", many))
        measured = ((title, contenders(target.resolve(), work, peers=options.peers)) for title, target in wanted)
        return tables(measured, options.runs, work)


if __name__ == "__main__":
    sys.exit(main())
