"""The fault harness itself: its oracle sees what is fabricated, and a proof stands only with its control."""

from argparse import ArgumentTypeError
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from loadtests.faults import nodes
from loadtests.faults.__main__ import PROOFS, names
from loadtests.faults.mounts import with_file_system
from loadtests.faults.oracle import Books, Effect, Intent, Journal, Kind, judge, told_to_come_again
from loadtests.faults.proof import Proof
from loadtests.market import ROOT


def intent(name: str, kind: Kind = Kind.TRADE) -> Intent:
    return Intent(name, kind, "/api/v1/trades", b"{}")


def answer(*ids: str) -> bytes:
    return orjson.dumps({"id": ids[0]})


def batch_answer(*ids: str) -> bytes:
    return orjson.dumps({"items": [{"trade": {"id": name}} for name in ids]})


def books(
    answers: dict[str, bytes], effects: list[Effect], entries: dict[Effect, int] | None = None
) -> Books:
    return Books(answers, effects, entries if entries is not None else dict.fromkeys(effects, 1))


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """One trade and one batch of two, both acknowledged."""
    with Journal(tmp_path / "intents.jsonl") as journal:
        journal.intend(intent("one"), "one")
        journal.intend(intent("two", Kind.BATCH), "two")
        journal.hear("one", 201, answer("t1"))
        journal.hear("two", 200, batch_answer("t2", "t3"))
        yield journal


WHOLE = {"one": answer("t1"), "two": batch_answer("t2", "t3")}
ROWS: list[Effect] = [("trade", "t1"), ("trade", "t2"), ("trade", "t3")]


def test_whole_books_are_sound(journal: Journal) -> None:
    verdict = judge(journal, books(WHOLE, ROWS))
    assert verdict.sound
    assert (verdict.acked, verdict.settled) == (2, 2)


def test_an_intent_is_in_the_file_before_it_is_sent(journal: Journal, tmp_path: Path) -> None:
    lines = (tmp_path / "intents.jsonl").read_text().splitlines()
    assert [orjson.loads(line)["key"] for line in lines] == ["one", "two"]


def test_an_acknowledged_write_that_is_not_there_is_lost(journal: Journal) -> None:
    verdict = judge(journal, books({"two": WHOLE["two"]}, ROWS[1:]))
    assert verdict.lost == ["one"]


def test_one_wish_under_two_keys_is_a_duplicate(journal: Journal) -> None:
    journal.intend(intent("one"), "one.1")
    twice = WHOLE | {"one.1": answer("t4")}
    verdict = judge(journal, books(twice, [*ROWS, ("trade", "t4")]))
    assert verdict.duplicated == ["one"]


def test_a_row_twice_in_the_books_is_a_duplicate(journal: Journal) -> None:
    assert judge(journal, books(WHOLE, [*ROWS, ("trade", "t1")])).duplicated == ["trade t1"]


def test_what_nobody_asked_for_is_named(journal: Journal) -> None:
    verdict = judge(journal, books(WHOLE | {"stranger": answer("t9")}, [*ROWS, ("trade", "t8")]))
    assert verdict.unattempted == ["stranger", "trade t8"]


@pytest.mark.parametrize(
    ("effects", "entries", "half"),
    [
        (ROWS[1:], dict.fromkeys(ROWS[1:], 1), "one: trade t1 is not there"),
        (ROWS, dict.fromkeys(ROWS[1:], 1), "trade t1: 0 entries"),
        (ROWS, dict.fromkeys(ROWS, 1) | {ROWS[0]: 2}, "trade t1: 2 entries"),
        (ROWS, dict.fromkeys([*ROWS, ("refund", "r")], 1), "entry of refund r, which is not there"),
    ],
)
def test_half_a_trade_is_named(
    journal: Journal, effects: list[Effect], entries: dict[Effect, int], half: str
) -> None:
    assert judge(journal, books(WHOLE, effects, entries)).half == [half]


def test_another_answer_than_the_one_heard_is_named(journal: Journal) -> None:
    changed = WHOLE | {"one": orjson.dumps({"id": "t1", "amount_fen": 1})}
    assert judge(journal, books(changed, ROWS)).altered == ["one"]
    journal.hear("two", 200, b'{"items": []}')
    assert judge(journal, books(WHOLE, ROWS)).altered == ["two"]


def test_a_refusal_that_is_in_the_books_is_named(journal: Journal) -> None:
    journal.intend(intent("three"), "three")
    assert not journal.hear("three", 503, b"{}")
    assert journal.unknown == ["three"]
    assert journal.hear("three", 409, b'{"retryable": false}')
    verdict = judge(journal, books(WHOLE | {"three": answer("t5")}, [*ROWS, ("trade", "t5")]))
    assert verdict.altered == ["three: refused, and in the books"]


def test_a_proof_stands_only_when_its_control_notices() -> None:
    assert not Proof("none", "", holds=True).stands
    assert not Proof("none", "", holds=False, control_notices=True).stands
    assert Proof("none", "", holds=True, control_notices=True).stands


def test_who_takes_being_put_off_for_being_done_is_seen_to_lose(tmp_path: Path) -> None:
    with Journal(tmp_path / "intents.jsonl", credulous=True) as credulous:
        credulous.intend(intent("one"), "one")
        assert credulous.hear("one", 503, b'{"retryable": true}')
    assert told_to_come_again(credulous)
    assert judge(credulous, books({}, [])).lost == ["one"]


def test_a_failure_that_is_no_refusal_is_not_taken_for_one(journal: Journal) -> None:
    assert not told_to_come_again(journal)
    assert not journal.hear("three", 503, b"{}")
    assert told_to_come_again(journal)
    assert not journal.hear("three", 500, b"{}")
    assert not told_to_come_again(journal)


async def test_where_nothing_can_be_mounted_a_proof_is_not_shown_and_has_not_passed() -> None:
    async def never(_place: Path) -> Proof:
        pytest.fail("there is no file system")

    refused = await with_file_system("disk", "", "echo no room >&2; false", never, seconds=1, seed=7)
    assert refused.not_shown
    assert refused.verdict.startswith("NOT SHOWN HERE")
    assert not refused.stands


async def test_without_patroni_a_failover_is_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nodes, "ENVIRONMENT", tmp_path)
    proof = await PROOFS["failover"](seconds=1, seed=1)
    assert "make failover" in str(proof.not_shown)
    assert not proof.stands


@pytest.mark.parametrize("name", PROOFS)
def test_every_proof_is_described(name: str) -> None:
    assert f"\n| `{name}` | " in (ROOT / "docs" / "faults.md").read_text(encoding="utf-8")


def test_proofs_are_chosen_by_what_they_prove() -> None:
    assert names("kills,Restore") == ["kills", "restore"]
    with pytest.raises(ArgumentTypeError, match=r"f1; there are kills, workers"):
        names("F1")
