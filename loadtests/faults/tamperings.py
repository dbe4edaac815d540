"""Every way we know to tamper with a sealed market; each says which leaf is the first to show it, if one does.

They are done by a superuser with every trigger off, inside a transaction that is rolled back.
"""

# ruff: noqa: S608 - a tamperer composes statements from the names above them

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
from datamarket.evidence.leaves import leaf_hash
from datamarket.evidence.merkle import EMPTY_ROOT, Frontier
from datamarket.sealing import SOURCES

Superuser = asyncpg.Connection


@dataclass
class Hand:
    """The tamperer's: a connection that nothing holds back, chance, and where each leaf stands."""

    connection: "Superuser[asyncpg.Record]"
    chance: random.Random
    ledger_id: int
    index_of: dict[UUID, int]
    entries: list[UUID]
    events: list[UUID]

    async def do(self, statement: str, *values: Any) -> None:
        """A change that must change something."""
        done = await self.connection.execute(statement, *values)
        if done.endswith(" 0"):
            raise NothingDone(statement)

    async def ask(self, statement: str, *values: Any) -> Any:
        """One value."""
        return await self.connection.fetchval(statement, *values)


class NothingDone(Exception):
    """A tampering that changed no row proves nothing: the harness is wrong."""


Deed = Callable[[Hand], Awaitable[int | None]]
DEEDS: dict[str, Deed] = {}


def deed(function: Deed) -> Deed:
    DEEDS[function.__name__.replace("_", " ")] = function
    return function


FLIPPED_UUID = "set_byte(uuid_send({0}), {1}, get_byte(uuid_send({0}), {1}) # {2})"
RECOMPUTE = """
UPDATE ledger_entry e SET digest = ledger_digest(e.ledger_id, e.period, e.id, e.kind, e.effective_at, e.recorded_at,
       e.source_type, e.source_id, e.reverses, e.actor_id,
       (SELECT string_agg(seq || ':' || account_id || ':' || amount_fen, ',' ORDER BY seq) FROM ledger_leg l
         WHERE l.ledger_id = e.ledger_id AND l.period = e.period AND l.entry_id = e.id))
 WHERE e.id = $1
"""


def changed(column: str, kind: str, chance: random.Random) -> str:
    """SQL: another value of the same type, one bit, character or unit away."""
    bit, place = 1 << chance.randrange(8), chance.randrange(16)
    if kind == "uuid":
        flipped = FLIPPED_UUID.format(
            f"coalesce({column}, id)" if column != "entry_id" else column, place, bit
        )
        return f"encode({flipped}, 'hex')::uuid"
    if kind == "text":
        return chance.choice(
            [
                f"overlay({column} placing '~' from 2 for 1)",
                f"{column} || '~'",
                f"upper({column})",
                f"reverse({column})",
            ]
        )
    if kind == "instant":
        step = chance.choice(["1 microsecond", "1 second", "1 day", "1 month"])
        return f"{column} {chance.choice('+-')} interval '{step}'"
    return f"{column} {chance.choice('+-')} {chance.choice([1, 1, 7, 1000])}"


ENTRY_COLUMNS = {
    "id": "uuid", "kind": "text", "effective_at": "instant", "recorded_at": "instant", "source_type": "text",
    "source_id": "uuid", "reverses": "uuid", "actor_id": "uuid", "xid": "number", "ledger_id": "number",
}  # fmt: skip
EVENT_COLUMNS = {
    "id": "uuid", "at": "instant", "actor_id": "uuid", "organisation_id": "uuid", "action": "text",
    "subject_type": "text", "subject_id": "uuid", "xid": "number",
}  # fmt: skip
LEG_COLUMNS = {"seq": "number", "amount_fen": "number", "entry_id": "uuid", "ledger_id": "number"}


@deed
async def change_a_column_of_an_entry(hand: Hand) -> int | None:
    row = hand.chance.choice(hand.entries)
    column = hand.chance.choice(list(ENTRY_COLUMNS))
    value = changed(column, ENTRY_COLUMNS[column], hand.chance)
    await hand.do(f"UPDATE ledger_entry SET {column} = {value} WHERE id = $1", row)
    return hand.index_of[row]


@deed
async def move_an_entry_to_another_month(hand: Hand) -> int | None:
    row = hand.chance.choice(hand.entries)
    await hand.do(
        "UPDATE ledger_entry SET period = period + $2 WHERE id = $1", row, hand.chance.choice([-1, 1, 100])
    )
    if hand.chance.random() < 0.5:
        await hand.do(
            "UPDATE ledger_leg SET period = (SELECT period FROM ledger_entry WHERE id = $1) WHERE entry_id = $1",
            row,
        )
    return hand.index_of[row]


@deed
async def flip_a_byte_of_a_digest(hand: Hand) -> int | None:
    row = hand.chance.choice(hand.entries)
    place, bit = hand.chance.randrange(32), 1 << hand.chance.randrange(8)
    await hand.do(
        f"UPDATE ledger_entry SET digest = set_byte(digest, {place}, get_byte(digest, {place}) # {bit}) WHERE id = $1",
        row,
    )
    return hand.index_of[row]


@deed
async def change_an_entry_and_take_its_digest_anew(hand: Hand) -> int | None:
    row = hand.chance.choice(hand.entries)
    column = hand.chance.choice(
        ["kind", "effective_at", "recorded_at", "source_type", "source_id", "actor_id"]
    )
    await hand.do(
        f"UPDATE ledger_entry SET {column} = {changed(column, ENTRY_COLUMNS[column], hand.chance)} WHERE id = $1",
        row,
    )
    await hand.do(RECOMPUTE, row)
    return hand.index_of[row]


@deed
async def change_a_column_of_a_leg(hand: Hand) -> int | None:
    row = hand.chance.choice(hand.entries)
    column = hand.chance.choice([*LEG_COLUMNS, "account_id", "period"])
    if column == "account_id":
        value = "(SELECT id FROM ledger_account a WHERE a.id <> account_id ORDER BY md5(a.id::text || $1::text) LIMIT 1)"
    elif column == "period":
        value = "period + 100"
    else:
        value = changed(column, LEG_COLUMNS[column], hand.chance)
    await hand.do(f"UPDATE ledger_leg SET {column} = {value} WHERE entry_id = $1 AND seq = 2", row)
    return hand.index_of[row]


@deed
async def move_money_between_legs_and_take_the_digest_anew(hand: Hand) -> int | None:
    row, some = hand.chance.choice(hand.entries), hand.chance.randrange(1, 500)
    await hand.do(
        "UPDATE ledger_leg SET amount_fen = amount_fen + CASE seq WHEN 1 THEN $2::bigint ELSE -$2 END"
        " WHERE entry_id = $1 AND seq <= 2",
        row,
        some,
    )
    await hand.do(RECOMPUTE, row)
    return hand.index_of[row]


@deed
async def change_a_column_of_an_event(hand: Hand) -> int | None:
    row = hand.chance.choice(hand.events)
    column = hand.chance.choice(list(EVENT_COLUMNS))
    value = changed(column, EVENT_COLUMNS[column], hand.chance)
    await hand.do(f"UPDATE audit_event SET {column} = {value} WHERE id = $1", row)
    return hand.index_of[row]


@deed
async def change_a_fact_of_an_event(hand: Hand) -> int | None:
    row = hand.chance.choice(hand.events)
    value = hand.chance.choice(
        [
            """jsonb_set(facts, '{amount_fen}', to_jsonb((facts->>'amount_fen')::bigint + 1))""",
            """jsonb_set(facts, '{note}', to_jsonb(overlay(facts->>'note' placing '二' from 1 for 1)))""",
            """jsonb_set(facts, '{free}', 'true')""",
            """facts - 'of'""",
            """facts || '{"more": 1}'""",
        ]
    )
    await hand.do(f"UPDATE audit_event SET facts = {value} WHERE id = $1", row)
    return hand.index_of[row]


@deed
async def delete_an_entry(hand: Hand) -> int | None:
    row = hand.chance.choice(hand.entries)
    await hand.do("DELETE FROM ledger_entry WHERE id = $1", row)
    if hand.chance.random() < 0.7:
        await hand.do("DELETE FROM ledger_leg WHERE entry_id = $1", row)
    return hand.index_of[row]


@deed
async def delete_legs_of_an_entry(hand: Hand) -> int | None:
    row = hand.chance.choice(hand.entries)
    await hand.do(
        "DELETE FROM ledger_leg WHERE entry_id = $1 AND seq >= $2", row, hand.chance.randrange(1, 3)
    )
    return hand.index_of[row]


@deed
async def delete_an_event(hand: Hand) -> int | None:
    row = hand.chance.choice(hand.events)
    await hand.do("DELETE FROM audit_event WHERE id = $1", row)
    return hand.index_of[row]


@deed
async def insert_an_entry_with_an_old_transaction(hand: Hand) -> int | None:
    row, fresh = hand.chance.choice(hand.entries), UUID(int=hand.chance.getrandbits(128))
    await hand.do(
        "INSERT INTO ledger_entry SELECT ledger_id, period, $2, kind, effective_at, recorded_at, source_type,"
        " source_id, reverses, actor_id, digest, xid FROM ledger_entry WHERE id = $1",
        row,
        fresh,
    )
    await hand.do(
        "INSERT INTO ledger_leg SELECT ledger_id, period, $2, seq, account_id, amount_fen FROM ledger_leg WHERE entry_id = $1",
        row,
        fresh,
    )
    await hand.do(RECOMPUTE, fresh)
    return None


@deed
async def insert_an_entry_from_the_future(hand: Hand) -> int | None:
    row, fresh = hand.chance.choice(hand.entries), UUID(int=hand.chance.getrandbits(128))
    await hand.do(
        "INSERT INTO ledger_entry SELECT ledger_id, period, $2, kind, effective_at, recorded_at, source_type,"
        " source_id, reverses, actor_id, digest, xid + 1000000000 FROM ledger_entry WHERE id = $1",
        row,
        fresh,
    )
    return None


@deed
async def insert_an_event_with_an_old_transaction(hand: Hand) -> int | None:
    row, fresh = hand.chance.choice(hand.events), UUID(int=hand.chance.getrandbits(128))
    await hand.do(
        "INSERT INTO audit_event SELECT $2, at, actor_id, organisation_id, action, subject_type, subject_id, facts, xid"
        " FROM audit_event WHERE id = $1",
        row,
        fresh,
    )
    return None


@deed
async def insert_a_leg(hand: Hand) -> int | None:
    row = hand.chance.choice(hand.entries)
    await hand.do(
        "INSERT INTO ledger_leg SELECT ledger_id, period, entry_id, seq + 10, account_id, amount_fen FROM ledger_leg"
        " WHERE entry_id = $1 AND seq = 1",
        row,
    )
    return hand.index_of[row]


@deed
async def insert_a_leg_of_no_entry(hand: Hand) -> int | None:
    row, fresh = hand.chance.choice(hand.entries), UUID(int=hand.chance.getrandbits(128))
    await hand.do(
        "INSERT INTO ledger_leg SELECT ledger_id, period, $2, seq, account_id, amount_fen FROM ledger_leg WHERE entry_id = $1",
        row,
        fresh,
    )
    return None


@deed
async def swap_the_contents_of_two_entries(hand: Hand) -> int | None:
    one, other = hand.chance.sample(hand.entries, 2)
    columns = "kind, effective_at, recorded_at, source_type, source_id, reverses, actor_id, digest"
    await hand.do(
        f"UPDATE ledger_entry e SET ({columns}) = (SELECT {columns} FROM ledger_entry o"
        " WHERE o.id = CASE e.id WHEN $1 THEN $2::uuid ELSE $1 END) WHERE e.id IN ($1, $2)",
        one,
        other,
    )
    return min(hand.index_of[one], hand.index_of[other])


@deed
async def swap_the_legs_of_two_entries(hand: Hand) -> int | None:
    one, other = hand.chance.sample(hand.entries, 2)
    between = UUID(int=hand.chance.getrandbits(128))
    for old, new in ((one, between), (other, one), (between, other)):
        await hand.do("UPDATE ledger_leg SET entry_id = $2 WHERE entry_id = $1", old, new)
    return min(hand.index_of[one], hand.index_of[other])


@deed
async def swap_the_ids_of_two_events(hand: Hand) -> int | None:
    one, other = hand.chance.sample(hand.events, 2)
    between = UUID(int=hand.chance.getrandbits(128))
    for old, new in ((one, between), (other, one), (between, other)):
        await hand.do("UPDATE audit_event SET id = $2 WHERE id = $1", old, new)
    return min(hand.index_of[one], hand.index_of[other])


@deed
async def cut_the_tail_of_the_entries(hand: Hand) -> int | None:
    gone = hand.entries[-hand.chance.randrange(1, 40) :]
    await hand.do("DELETE FROM ledger_entry WHERE id = ANY ($1::uuid[])", gone)
    await hand.do("DELETE FROM ledger_leg WHERE entry_id = ANY ($1::uuid[])", gone)
    return min(hand.index_of[row] for row in gone)


@deed
async def cut_the_tail_of_the_leaves(hand: Hand) -> int | None:
    first = await hand.ask(
        "SELECT first_index FROM seal_leaves ORDER BY first_index DESC OFFSET $1 LIMIT 1",
        hand.chance.randrange(4),
    )
    await hand.do("DELETE FROM seal_leaves WHERE first_index >= $1", first)
    return int(first)


@deed
async def cut_the_tail_of_the_blocks(hand: Hand) -> int | None:
    number = await hand.ask("SELECT max(number) - $1::int FROM seal_block", hand.chance.randrange(4))
    first = await hand.ask("SELECT first_index FROM seal_block WHERE number = $1", number)
    await hand.do("DELETE FROM seal_block WHERE number >= $1", number)
    return int(first)


@deed
async def cut_the_tail_of_everything(hand: Hand) -> int | None:
    """What is left is sound in itself: only what was kept outside knows more."""
    number = await hand.ask("SELECT max(number) - $1::int FROM seal_block", hand.chance.randrange(5))
    first = await hand.ask("SELECT first_index FROM seal_block WHERE number = $1", number)
    gone = [row for row, index in hand.index_of.items() if index >= first]
    await hand.do("DELETE FROM ledger_leg WHERE entry_id = ANY ($1::uuid[])", gone)
    await hand.do("DELETE FROM ledger_entry WHERE id = ANY ($1::uuid[])", gone)
    await hand.do("DELETE FROM audit_event WHERE id = ANY ($1::uuid[])", gone)
    await hand.do("DELETE FROM seal_leaves WHERE first_index >= $1", first)
    await hand.connection.execute("DELETE FROM seal_node WHERE (index + 1) << level > $1", first)
    await hand.do("DELETE FROM seal_block WHERE number >= $1", number)
    return int(first)


@deed
async def cut_the_tail_of_the_log_and_keep_the_rows(hand: Hand) -> int | None:
    """The rows then look as if they still waited to be sealed."""
    number = await hand.ask("SELECT max(number) - $1::int FROM seal_block", hand.chance.randrange(5))
    first = await hand.ask("SELECT first_index FROM seal_block WHERE number = $1", number)
    await hand.do("DELETE FROM seal_leaves WHERE first_index >= $1", first)
    await hand.connection.execute("DELETE FROM seal_node WHERE (index + 1) << level > $1", first)
    await hand.do("DELETE FROM seal_block WHERE number >= $1", number)
    return int(first)


async def _place(hand: Hand) -> tuple[int, int, int]:
    """A leaf: its index, the run it stands in, and its place there, from 1."""
    index = hand.chance.randrange(len(hand.index_of))
    first = await hand.ask("SELECT max(first_index) FROM seal_leaves WHERE first_index <= $1", index)
    return index, first, index - first + 1


@deed
async def flip_a_bit_of_a_leaf(hand: Hand) -> int | None:
    index, first, place = await _place(hand)
    byte, bit = hand.chance.randrange(32), 1 << hand.chance.randrange(8)
    await hand.do(
        f"UPDATE seal_leaves SET hashes[{place}] = set_byte(hashes[{place}], {byte}, get_byte(hashes[{place}], {byte}) # {bit})"
        " WHERE first_index = $1",
        first,
    )
    return index


@deed
async def change_the_id_of_a_leaf(hand: Hand) -> int | None:
    index, first, place = await _place(hand)
    fresh = UUID(int=hand.chance.getrandbits(128))
    await hand.do(f"UPDATE seal_leaves SET ids[{place}] = $2 WHERE first_index = $1", first, fresh)
    return index


@deed
async def change_the_kind_of_a_leaf(hand: Hand) -> int | None:
    index, first, place = await _place(hand)
    other = hand.chance.choice(["", "gift", "Entry"])
    await hand.do(f"UPDATE seal_leaves SET kinds[{place}] = $2 WHERE first_index = $1", first, other)
    return index


@deed
async def delete_a_run_of_leaves(hand: Hand) -> int | None:
    _, first, _ = await _place(hand)
    await hand.do("DELETE FROM seal_leaves WHERE first_index = $1", first)
    return first


@deed
async def change_a_node(hand: Hand) -> int | None:
    byte, bit = hand.chance.randrange(32), 1 << hand.chance.randrange(8)
    statement = hand.chance.choice(
        [
            f"UPDATE seal_node SET hash = set_byte(hash, {byte}, get_byte(hash, {byte}) # {bit}) WHERE index = 0",
            "UPDATE seal_node SET index = index + 7 WHERE index = 0",
            "DELETE FROM seal_node WHERE index = 0",
            "INSERT INTO seal_node SELECT ledger_id, level, 99, hash FROM seal_node WHERE index = 0",
        ]
    )
    await hand.do(statement)
    return None


@deed
async def change_a_column_of_a_block(hand: Hand) -> int | None:
    number = await hand.ask("SELECT 1 + $1::int % count(*) FROM seal_block", hand.chance.randrange(1000))
    byte, bit = hand.chance.randrange(32), 1 << hand.chance.randrange(8)
    column = hand.chance.choice(
        ["epoch", "system_identifier", "xid_from", "xid_below", "xid_last", "sealed_at", "number", "root",
         "previous_root", "frontier", "checkpoint", "size"]
    )  # fmt: skip
    values = {
        "sealed_at": "sealed_at + interval '1 microsecond'",
        "root": f"set_byte(root, {byte}, get_byte(root, {byte}) # {bit})",
        "previous_root": f"set_byte(previous_root, {byte}, get_byte(previous_root, {byte}) # {bit})",
        "frontier": f"array_prepend(set_byte(frontier[1], {byte}, get_byte(frontier[1], {byte}) # {bit}), frontier[2:])",
        "checkpoint": f"overlay(checkpoint placing '~' from {hand.chance.randrange(2, 150)} for 1)",
        "number": "number + 1000",
        "size": "size + 100000, leaves = leaves + 100000",
    }
    step = hand.chance.choice(["+ 1", "- 1"])
    await hand.do(
        f"UPDATE seal_block SET {column} = {values.get(column, f'{column} {step}')} WHERE number = $1", number
    )
    return None


@deed
async def delete_a_block(hand: Hand) -> int | None:
    last = await hand.ask("SELECT max(number) FROM seal_block")
    await hand.do("DELETE FROM seal_block WHERE number = $1", hand.chance.randrange(1, last))
    return None


@deed
async def change_an_entry_and_grow_the_tree_anew(hand: Hand) -> int | None:
    """All that can be done without the key: rows, leaves, nodes and roots agree, the old signatures stay."""
    row = hand.chance.choice(hand.entries)
    await hand.do(
        "UPDATE ledger_entry SET actor_id = $2 WHERE id = $1", row, UUID(int=hand.chance.getrandbits(128))
    )
    await hand.do(RECOMPUTE, row)
    await grow_anew(hand)
    return None


async def grow_anew(hand: Hand) -> None:
    """Hash all leaves from the rows as they are now, and rebuild the log over them, checkpoints apart."""
    leaves = " UNION ALL ".join(
        f"SELECT {leaf_hash(source.kind)} AS hash, r.id FROM ({source.stored}) AS r" for source in SOURCES
    )
    rows = await hand.connection.fetch(leaves, hand.ledger_id)
    hashes = {row["id"]: row["hash"] for row in rows}
    frontier, previous = Frontier(), EMPTY_ROOT
    runs = await hand.connection.fetch("SELECT first_index, ids FROM seal_leaves ORDER BY first_index")
    ends = {row["size"] for row in await hand.connection.fetch("SELECT size FROM seal_block")}
    for run in runs:
        fresh = [hashes[one] for one in run["ids"]]
        await hand.do("UPDATE seal_leaves SET hashes = $2 WHERE first_index = $1", run["first_index"], fresh)
        for node in frontier.extend(fresh):
            await hand.do("UPDATE seal_node SET hash = $3 WHERE level = $1 AND index = $2", *node)
        if frontier.size in ends:
            await hand.do(
                "UPDATE seal_block SET root = $2, previous_root = $3, frontier = $4 WHERE size = $1",
                frontier.size,
                frontier.root(),
                previous,
                frontier.peaks,
            )
            previous = frontier.root()
