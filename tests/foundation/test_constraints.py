"""A refusal of the database has its meaning also where the field with the constraint's name was lost on the way."""

import asyncpg
import pytest

from datamarket.edge.problems import translate
from datamarket.foundation.db import Database
from datamarket.foundation.waiting.constraints import ConstraintViolated, constraint_of
from datamarket.slices import constraint_errors
from tests.world import trading

KNOWN = constraint_errors()
SENTENCES = [
    ('duplicate key value violates unique constraint "{}"', asyncpg.UniqueViolationError),
    ('new row for relation "t_102008" violates check constraint "{}"', asyncpg.CheckViolationError),
    (
        'insert or update on table "t_102008" violates foreign key constraint "{}"',
        asyncpg.ForeignKeyViolationError,
    ),
    ('the funds do not suffice: constraint "{}"', asyncpg.IntegrityConstraintViolationError),
]


@pytest.mark.parametrize(("sentence", "kind"), SENTENCES, ids=[kind.__name__ for _, kind in SENTENCES])
def test_a_sentence_names_the_constraint_with_and_without_a_shards_number(
    sentence: str, kind: type[asyncpg.PostgresError]
) -> None:
    for name, error in KNOWN.items():
        for told in (name, f"{name}_102008"):
            assert type(translate(kind(sentence.format(told)), KNOWN)) is error
    assert constraint_of(kind(sentence.format("of_nobody_102008")), KNOWN) == "of_nobody_102008"
    assert isinstance(translate(kind(sentence.format("of_nobody")), KNOWN), ConstraintViolated)


def test_the_number_may_stand_within_and_on_the_field() -> None:
    named = asyncpg.CheckViolationError("x")
    named.constraint_name = "trade_102008_amount_check"
    assert constraint_of(named, {"trade_amount_check"}) == "trade_amount_check"


def test_what_a_caller_sent_names_no_constraint() -> None:
    sent = asyncpg.InvalidTextRepresentationError('invalid input: constraint "ledger_balance_not_overdrawn"')
    assert constraint_of(sent, KNOWN) is None


async def test_a_refusal_that_a_function_raises_says_its_constraint_in_its_sentence(
    fresh_database: Database, superuser: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    raising = r"""
    SELECT proname, told[1] AS sentence, told[2] AS name FROM pg_proc, regexp_matches(
           prosrc, $$RAISE EXCEPTION '([^']*)'[^;]*CONSTRAINT = ([^;]*);$$, 'g') AS told
     WHERE pronamespace = 'public'::regnamespace
    """
    found = await superuser.fetch(raising)
    assert len(found) > 20
    for row in found:
        assert f'constraint "{row["name"].strip(chr(39))}"' in row["sentence"] or (
            'constraint "%"' in row["sentence"] and "'" not in row["name"].split("||")[0]
        ), row["proname"]
    deal = await trading.active_contract(fresh_database)
    owner = await asyncpg.connect(fresh_database.url)
    with pytest.raises(asyncpg.IntegrityConstraintViolationError) as refused:
        await owner.execute("DELETE FROM audit_event WHERE subject_id = $1", deal.contract.id)
    await owner.close()
    assert 'constraint "append_only"' in refused.value.args[0]
