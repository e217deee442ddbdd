"""Every safety check by its name, and what it finds in one sentence."""

from __future__ import annotations

from collections.abc import Mapping

CHECKS: Mapping[str, str] = {
    "allow-list": "an Allow forbids everything that it does not name once FullAWSAccess is detached",
    "denies-cleaning-up": "the statement keeps people from looking at things, stopping them or deleting them",
    "denies-too-much": "the statement denies what an account cannot do without",
    "exemption-never-matches": "the pattern of an exempt principal matches nobody",
    "exempts-everybody": "the pattern of an exempt principal matches everybody",
    "for-all-values-in-deny": "ForAllValues in a Deny is defeated by one allowed value and denies requests without any",
    "if-exists-in-set-operator": "IfExists behind a set operator means different things to different readers",
    "if-exists-says-nothing": "a negated operator holds without the key anyway",
    "instance-type-never-matches": "no SageMaker instance type has such a name",
    "key-not-supported-by-action": "requests for the action never carry the condition key",
    "multivalued-key-without-set-operator": "a plain operator never matches a key that has several values",
    "names-everything": "a pattern stands for every action of a service, future ones too",
    "negated-key-on-other-resources": "a negated condition holds for the resources of a request that lack the key",
    "no-break-glass-exemption": "nobody can act any more if the statement turns out to be wrong",
    "not-a-number": "a numeric operator is given a text",
    "not-action-without-condition": "NotAction without a condition denies every service that is not listed",
    "not-an-arn": "an ARN operator is given something else",
    "not-an-scp": "the form is not that of an SCP",
    "not-json": "the text is not JSON, or a key is given twice",
    "not-true-or-false": "the operator takes true or false only",
    "operator-of-another-type": "the operator compares another type than the key has",
    "region-lock-hits-global-services": "a region lock denies services that answer from one region only",
    "region-lock-hits-inference": "a region lock denies the cross-region inference of Bedrock",
    "set-operator-on-single-value": "a set operator is used on a key with a single value",
    "several-exemptions": "two exemptions in one statement must both hold",
    "several-keys-in-null": "one Null with several keys denies only what lacks all of them",
    "sibling-actions-left-open": "other calls start the same instances and are not limited",
    "system-type-not-allowed": "the list lacks the type that Studio Classic itself runs on",
    "too-long": "the text is longer than an SCP may be",
    "too-many-documents": "there are more SCPs than free attachment slots",
    "unchecked-action": "the actions of the service are not in mlguard's snapshot",
    "unknown-action": "the action or the service does not exist, so the statement never denies it",
    "unknown-key": "the condition key does not exist",
    "unknown-region": "the region does not exist",
    "unprotected-exempt-role": "whoever may create roles can create the one that is exempt",
    "wildcard-under-exact-operator": "an exact operator takes * and ? for themselves",
}
