"""Ids of a batch: as the standard has them, the same from the same seed, and quick to send."""

from datetime import UTC, datetime, timedelta
from uuid import RFC_4122

from asyncpg.pgproto import pgproto

from datamarket.foundation.ids import new_id, new_ids, seeded_ids

AT = datetime(2024, 6, 3, 4, tzinfo=UTC)


def test_a_thousand_ids_are_distinct_and_each_is_led_by_its_own_instant() -> None:
    instants = [AT + timedelta(milliseconds=turn) for turn in range(1000)]
    made = new_ids(instants)
    assert len(set(made)) == 1000
    assert {(one.version, one.variant) for one in [*made, new_id(AT)]} == {(7, RFC_4122)}
    assert [one.int >> 80 for one in made] == [round(at.timestamp() * 1000) for at in instants]
    assert new_ids([]) == []


def test_ids_of_a_batch_are_the_drivers_own_which_it_sends_as_they_are() -> None:
    assert {type(one) for one in new_ids([AT, AT])} == {pgproto.UUID}


def test_the_same_seed_gives_the_ids_that_it_always_gave() -> None:
    with seeded_ids(7):
        made = [new_id(AT), *new_ids([AT, AT + timedelta(seconds=1)])]
    assert [str(one) for one in made] == [
        "018fdc41-0600-726b-b2a7-4de452e6b438",
        "018fdc41-0600-7d23-bc20-904a2cbccc31",
        "018fdc41-09e8-77fd-829a-8e9141944c9c",
    ]
