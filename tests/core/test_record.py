from __future__ import annotations

import pytest

from mlguard.record import field, field_names, record, replace


@record(order=True)
class Place:
    """A record with everything that records offer."""

    line: int
    column: int = 1
    notes: list[str] = field(default_factory=list)
    memory: str = field(default="", compare=False)


@record()
class Named(Place):
    """A record that adds nothing."""


def test_fields_are_given_by_place_or_name_and_have_defaults() -> None:
    place = Place(3, notes=["a"])
    assert (place.line, place.column, place.notes, place.memory) == (3, 1, ["a"], "")
    assert field_names(Place) == ("line", "column", "notes", "memory")
    with pytest.raises(TypeError):
        Place()  # type: ignore[call-arg]


def test_a_default_that_is_made_is_made_for_each() -> None:
    assert Place(1).notes is not Place(1).notes


def test_records_are_equal_by_class_and_fields() -> None:
    assert Place(1) == Place(1)
    assert Place(1, memory="x") == Place(1, memory="y")
    assert Place(1) != Place(2)
    assert Place(1) != Named(1)
    assert Place(1) != object()


def test_records_are_ordered_by_their_fields() -> None:
    assert sorted([Place(2), Place(1, 7), Place(1, 2)]) == [Place(1, 2), Place(1, 7), Place(2)]
    assert Place(1) <= Place(1)
    assert Place(2) >= Place(1)


def test_a_changed_copy_leaves_the_rest() -> None:
    first = Place(1, 2, ["a"], "x")
    assert repr(replace(first, line=4)) == "Place(line=4, column=2, notes=['a'], memory='x')"
    assert first.line == 1
    with pytest.raises(TypeError):
        replace(first, colour=1)  # type: ignore[call-arg]


def test_records_have_no_room_for_other_attributes() -> None:
    with pytest.raises(AttributeError):
        Place(1).colour = 2  # type: ignore[attr-defined]


def test_what_compares_alike_has_one_hash() -> None:
    @record()
    class Point:
        x: int
        seen: str = field(default="", compare=False)

    assert {Point(1), Point(1, "before"), Point(2)} == {Point(1), Point(2)}
