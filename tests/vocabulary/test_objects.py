"""Which bucket of a project an address leads to is known, known not to be, or open."""

from __future__ import annotations

import pytest

from mlguard.resource import RawResource, Resource
from mlguard.scenario import Scenario
from mlguard.source import Span
from mlguard.value import Entries, Node, Reference, Unknown
from mlguard.vocabulary.derived.objects import Place, locate

AT = Span("t.tf", 1, 1, 1, 2)


def bucket(name: str, written: object) -> Resource:
    raw = RawResource(
        "terraform", "aws_s3_bucket", f"aws_s3_bucket.{name}", Node(Entries({}), AT), AT, AT, Node(None, AT)
    )
    return Resource("s3.bucket", raw, {"name": Node(written, AT)})  # type: ignore[arg-type]


BUCKETS = (bucket("models", "acme-models"), bucket("runs", Unknown("x", "acme-*-runs")), bucket("made_up", None))


@pytest.mark.parametrize(
    ("address", "wanted"),
    [
        ("s3://acme-models/fraud/model.tar.gz", ("models", "fraud/model.tar.gz")),
        ("s3://acme-models", ("models", "")),
        ("https://acme-models.s3.us-east-1.amazonaws.com/a/b", ("models", "a/b")),
        ("https://acme-models.s3.amazonaws.com/a", ("models", "a")),
        ("https://s3.eu-west-1.amazonaws.com/acme-models/a", ("models", "a")),
        ("https://s3-eu-west-1.amazonaws.com/acme-models/a", ("models", "a")),
        (Unknown("x", "s3://acme-models/*/a"), ("models", "*/a")),
        (Unknown("x", "s3://*/a/*", (Reference("aws_s3_bucket.made_up", "id"),)), ("made_up", "a/*")),
        (Unknown("x", "s3://*/a", (Reference("aws_s3_bucket.other", "id"),)), None),
        (Unknown("x", "s3://other-*/a"), "open"),  # it may be the bucket whose name nobody has written
        (Unknown("x", "s3://*/a"), "open"),
        (Unknown("x"), "open"),
        (Reference("aws_x.y", "uri"), "open"),
        ("s3://acme-1-runs/a", "open"),
        ("s3://other/a", None),
        ("https://example.com/acme-models/a", None),
        ("models/a", None),
    ],
)
def test_addresses(address: object, wanted: object) -> None:
    found = locate(Node(address, AT), BUCKETS, Scenario())  # type: ignore[arg-type]
    if isinstance(found, Place):
        assert (found.bucket.address, found.key) == (f"aws_s3_bucket.{wanted[0]}", wanted[1])  # type: ignore[index]
    else:
        assert ("open" if isinstance(found, Unknown) else None) == wanted


def test_a_bucket_that_may_not_be_deployed_is_open() -> None:
    raw = RawResource(
        "terraform",
        "aws_s3_bucket",
        "aws_s3_bucket.models",
        Node(Entries({}), AT),
        AT,
        AT,
        Node(None, AT),
        exists=lambda _: Unknown("x"),
    )
    perhaps = Resource("s3.bucket", raw, {"name": Node("acme-models", AT)})
    assert isinstance(locate(Node("s3://acme-models/a", AT), (perhaps,), Scenario()), Unknown)
