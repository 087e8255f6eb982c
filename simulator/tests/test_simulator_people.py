"""Made-up people: realistic, repeatable, within the columns' widths. And how often each operation comes."""

import re
from random import Random

import pytest

from data_change_simulator import OperationName
from data_change_simulator.operations import PLANNERS, WEIGHTS
from data_change_simulator.people import People


def drawn(seed: str) -> list[object]:
    """One of everything."""
    people = People()
    people.reseed(Random(seed))
    first_name, last_name = people.first_name(), people.last_name()
    return [
        first_name,
        last_name,
        people.birthday(),
        people.email(first_name, last_name),
        people.phone(),
        people.street(),
        people.place(),
    ]


@pytest.mark.row("P05")
def test_same_seed_gives_the_same_people():
    """What is drawn depends on the seed alone."""
    assert drawn("1") == drawn("1")
    assert drawn("1") != drawn("2")


@pytest.mark.row("P05")
def test_people_look_real_and_belong_to_nobody():
    """Emails at example hosts, phone numbers of the range for fiction, everything within the columns' widths."""
    for n in range(200):
        first_name, last_name, _, email, phone, street, place = drawn(str(n))
        assert re.fullmatch(r"[a-z.]+\d{1,3}@(mail\.)?example\.(com|net|org)", email)
        assert re.fullmatch(r"[2-9]\d\d-555-01\d\d", phone)
        assert re.fullmatch(r"[A-Z]{2}", place["state"])
        assert re.fullmatch(r"\d{5}", place["zipcode"])
        assert all(0 < len(text) <= 100 for text in (first_name, last_name, email, phone, street, place["city"]))


@pytest.mark.parametrize("name", ["Łódź", "李", "O'Brien-De La Cruz" * 10, ""], ids=["accents", "Han", "long", "empty"])
def test_any_name_gives_an_email(name):
    """A row that somebody else wrote gets a usable email too."""
    people = People()

    assert re.fullmatch(r"[a-z.]+\d+@[a-z.]+", people.email(name, name))
    assert len(people.email(name, name)) <= 100


@pytest.mark.row("P04")
def test_each_operation_has_a_weight_and_a_planner():
    """The five operations, with the mix that 200 changes are expected to show."""
    assert set(WEIGHTS) == set(PLANNERS) == set(OperationName)
    assert sum(WEIGHTS.values()) == 200
    assert list(WEIGHTS.values()) == [38, 71, 40, 35, 16]
