"""What a superuser changes in subsidy data, or in a register that it stands on, is found and named."""

from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import NamedTuple

import pytest
import pytest_asyncio

from datamarket.auth.terms import Role
from datamarket.foundation import checks
from datamarket.foundation.db import Connection, Database
from datamarket.foundation.money import Fen
from datamarket.server.app import create_app
from datamarket.server.checks import CHECKS
from datamarket.server.sealing import seal_all
from datamarket.subsidy.objections.terms import ObjectionEvent
from datamarket.subsidy.register import actions as register_actions
from datamarket.subsidy.runs import queries as run_queries
from datamarket.subsidy.runs.terms import RunEvent
from tests.conftest import client_of
from tests.world import declared, trading
from tests.world import subsidy as world
from tests.world.accounts import clerk
from tests.world.books import assert_books_still_hold, auditing
from tests.world.participants import acting_for, suspend
from tests.world.people import AUTHORITY, enrol, moment
from tests.world.sealing import settings_in
from tests.world.subsidy import AFTER_PUBLICITY, AFTER_YEAR, CITY, MARCH, YEAR, Officers

ROLES = "UPDATE account SET roles = {} WHERE 'auditor' = ANY (roles)"
LINE = "UPDATE subsidy_line SET {} WHERE id = '{{line}}'"
RUN = "UPDATE subsidy_run SET {}"
CASE = "UPDATE subsidy_case SET {}"
SNAPSHOT = "UPDATE subsidy_snapshot SET content = convert_to(replace(convert_from(content, 'UTF8'), '20000000', '99000000'), 'UTF8')"
REHASHED = "; UPDATE subsidy_snapshot SET sha256 = encode(sha256(content), 'hex')"
RESULT = "; UPDATE subsidy_run SET result_sha256 = repeat('a', 64), total_fen = total_fen + 1"


class Deed(NamedTuple):
    """What is done, which invariant finds it, and what it names."""

    done: str
    found_by: str
    named: str


DEEDS = {
    "snapshot row": Deed(
        "UPDATE subsidy_snapshot SET rings = '[{{}}]'", "I20", "run {run}: snapshot_row_sha256"
    ),
    "snapshot and its hash": Deed(SNAPSHOT + REHASHED, "I20", "run {run}: snapshot_sha256"),
    "line": Deed(LINE.format("amount_fen = amount_fen + 1"), "I20", "run {run}: payees {line}"),
    "lines and hashes": Deed(
        LINE.format("base_fen = base_fen + 1") + RESULT, "I20", "run {run}: payees {line}"
    ),
    "line without award": Deed(
        "UPDATE subsidy_line SET rank = 9 WHERE amount_fen = 0", "I20", "run {run}: lines_sha256"
    ),
    "line gone": Deed("DELETE FROM subsidy_line WHERE id = '{line}'", "I20", "run {run}: payees {line}"),
    "snapshot, lines and hashes": Deed(
        SNAPSHOT + REHASHED + "; " + LINE.format("amount_fen = 1") + RESULT, "I20", "run {run}: result_sha256"
    ),
    "scheme and its hash": Deed(
        "UPDATE scheme_version SET content = content || '\\x0a', sha256 = encode(sha256(content || '\\x0a'), 'hex')",
        "I19",
        "scheme_version {scheme}: sha256",
    ),
    "scheme": Deed(
        "UPDATE scheme_version SET content = content || '\\x0a'", "I20", "run {run}: scheme_sha256"
    ),
    "payee's account": Deed(LINE.format("enterprise_id = '{second}'"), "I20", "run {run}: payees {line}"),
    "payee's name": Deed(LINE.format("enterprise_zh = '他'"), "I20", "run {run}: payees {line}"),
    "payee and digest": Deed(LINE.format("uscc = 'X'") + RESULT, "I20", "run {run}: payees {line}"),
    "claim gone": Deed(
        "DELETE FROM subsidy_claim WHERE line_id = '{line}'", "I19", "subsidy_claim {first}/project:"
    ),
    "claim moved": Deed(
        "UPDATE subsidy_claim SET enterprise_id = '{second}' WHERE line_id = '{line}'",
        "I19",
        "subsidy_claim {second}/project:",
    ),
    "standing rewritten": Deed(
        "UPDATE participant_standing SET state = 'admitted' WHERE state = 'suspended'",
        "I19",
        "participant_standing {standing}: state",
    ),
    "standing gone": Deed(
        "DELETE FROM participant_standing WHERE id = '{standing}'",
        "I19",
        "participant_standing {standing}: it is gone",
    ),
    "event of a standing gone": Deed("DELETE FROM audit_event WHERE id = '{admitted}'", "I12 audit", "leaf"),
    "event rewritten with its row": Deed(
        "UPDATE participant SET kind = 'third_party' WHERE id = '{first}'; UPDATE audit_event SET facts ="
        " jsonb_set(facts, '{{rows,participant,{first},kind}}', '\"third_party\"') WHERE id = '{admitted}'",
        "I12 audit",
        "leaf",
    ),
    "participant's kind": Deed(
        "UPDATE participant SET kind = 'third_party' WHERE id = '{first}'", "I19", "participant {first}: kind"
    ),
    "case's investment": Deed(
        CASE.format("investment_fen = investment_fen + 1"), "I19", "subsidy_case {case}: investment_fen"
    ),
    "case's day": Deed(CASE.format("listed_on = listed_on - 365"), "I19", "subsidy_case {case}: listed_on"),
    "case's verifier": Deed(CASE.format("verified_by = id"), "I19", "subsidy_case {case}: verified_by"),
    "case's enterprise": Deed(
        CASE.format("enterprise_id = '{second}'"), "I19", "subsidy_case {case}: enterprise_id"
    ),
    "case made by no event": Deed(
        'INSERT INTO subsidy_case SELECT (r).* FROM (SELECT jsonb_populate_record(c, \'{{"code": "X", "list_name": null, "list_number": null, "list_key": null, "id":'
        ' "00000000-0000-7000-8000-000000000001"}}\') AS r FROM subsidy_case AS c) AS forged',
        "I19",
        "subsidy_case 00000000-0000-7000-8000-000000000001: no event made it",
    ),
    "venue's day": Deed(
        "UPDATE venue SET qualified_from = qualified_from - 365 WHERE id = '{venue}'",
        "I19",
        "venue {venue}: qualified_from",
    ),
    "venue's fee": Deed("UPDATE venue SET fee_bps = 1 WHERE id = '{venue}'", "I19", "venue {venue}: fee_bps"),
    "affiliation's days": Deed(
        "UPDATE affiliation SET from_on = from_on + 1", "I19", "affiliation {affiliation}: from_on"
    ),
    "affiliation gone": Deed("DELETE FROM affiliation", "I19", "affiliation {affiliation}: it is gone"),
    "contract's price": Deed(
        "UPDATE contract SET price_fen = 7 WHERE id = '{contract}'", "I19", "contract {contract}: price_fen"
    ),
    "part of a split": Deed(
        "UPDATE trade SET split = split || jsonb_build_object('provider_fen', (split ->> 'provider_fen')::bigint - 1,"
        " 'vat_fen', (split ->> 'vat_fen')::bigint + 1) WHERE id = '{trade}'",
        "I19-trades",
        "trade {trade}: split",
    ),
    "trade with its entry": Deed(
        "UPDATE ledger_leg SET amount_fen = amount_fen * 2 WHERE entry_id = '{entry}'; UPDATE trade SET"
        " amount_fen = amount_fen * 2 WHERE id = '{trade}'",
        "I19-trades",
        "trade {trade}: amount_fen",
    ),
    "trade's venue": Deed(
        "UPDATE trade SET venue_id = '{other_venue}' WHERE id = '{trade}'",
        "I19-trades",
        "trade {trade}: contract",
    ),
    "refund gone": Deed("DELETE FROM refund", "I15", "refunds of trade {trade}"),
    "stored answer": Deed(
        "UPDATE idempotency_key SET body = 'no' WHERE key = '{key}'", "I19", "/{key}: another answer"
    ),
    "stored answer gone": Deed(
        "DELETE FROM idempotency_key WHERE key = '{key}'", "I19", "/{key}: it is gone"
    ),
    "role added": Deed(ROLES.format("roles || '{{finance}}'::text[]"), "I19", "account {account}: roles"),
    "role removed": Deed(ROLES.format("'{{buyer}}'"), "I19", "account {account}: roles"),
    "budget raised": Deed(
        "UPDATE subsidy_budget SET amount_fen = amount_fen + 1", "I19", "subsidy_budget {budget}: amount_fen"
    ),
    "budget's commitment": Deed(
        "UPDATE subsidy_budget SET committed_fen = 0", "I19", "subsidy_budget {budget}: committed_fen"
    ),
    "approval's officer": Deed(RUN.format("approved_by = id"), "I20", "run {run}: row approved_by"),
    "run's state": Deed(RUN.format("state = 'posted'"), "I20", "run {run}: row state"),
    "publicity's days": Deed(
        RUN.format("publicity_to = publicity_to - 5"), "I20", "run {run}: row publicity_to"
    ),
    "officer of an event": Deed(
        "UPDATE subsidy_run_event SET actor_id = run_id WHERE event = 'approve'",
        "I19",
        "subsidy_run_event {run}/6: actor_id",
    ),
    "objection's decision": Deed(
        "UPDATE subsidy_objection SET state = 'upheld', appeal_by = NULL",
        "I19",
        "subsidy_objection {objection}: appeal_by, state",
    ),
    "objection gone": Deed(
        "DELETE FROM subsidy_objection", "I19", "subsidy_objection {objection}: it is gone"
    ),
    "posting's entry": Deed(
        "UPDATE subsidy_posting SET entry_id = line_id WHERE line_id = '{line}'",
        "I19",
        "subsidy_posting {line}/subsidy_paid",
    ),
    "posted amount": Deed(
        "UPDATE subsidy_posting SET amount_fen = 1 WHERE line_id = '{line}'",
        "I19",
        "subsidy_posting {line}/subsidy_paid: amount",
    ),
    "payment's amount": Deed(
        "UPDATE payout SET amount_fen = 1 WHERE award_id = '{line}'",
        "I19",
        "payout 370200/{payout}: amount_fen",
    ),
    "payment's payee": Deed(
        "UPDATE payout SET payee_code = 'X' WHERE award_id = '{line}'",
        "I19",
        "payout 370200/{payout}: payee_code",
    ),
    "payment gone": Deed(
        "DELETE FROM payout WHERE award_id = '{line}'", "I19", "payout 370200/{payout}: it is gone"
    ),
    "payment that the bank refused": Deed(
        "UPDATE payout SET state = 'refused', refusal_code = 'AC04', refusal_reason = 'x' WHERE award_id = '{line}'",
        "I11 payouts",
        "payout {payout}",
    ),
    "turnover that is kept": Deed(
        "UPDATE monthly_turnover SET gross_fen = gross_fen + 1 WHERE contract_id = '{contract}'",
        "I17",
        "{contract} in 2024",
    ),
    "base of a project": Deed(
        LINE.format("base_fen = base_fen + 1"),
        "I13-projects",
        "base 200000001, verified 200000000, flagged 0",
    ),
    "what flags took off": Deed(
        "UPDATE subsidy_snapshot SET flagged = jsonb_build_array(jsonb_build_object("
        "'case', '{code}', 'kind', 'invoice', 'fen', 7))",
        "I13-projects",
        "{code}: base 200000000, verified 200000000, flagged 7",
    ),
    "declared item": Deed(
        "UPDATE subsidy_declared_item SET amount_fen = 2", "I19", "subsidy_declared_item {item}: amount_fen"
    ),
    "flags that the reviewer saw": Deed(
        LINE.format("flags = '{{near-cut}}'"), "I20", "run {run}: payees {line}"
    ),
    "event of the run gone": Deed(
        "DELETE FROM audit_event WHERE subject_id = '{run}' AND action = 'subsidy.publicise'",
        "I20",
        "run {run}: events 9 of 10",
    ),
}


class Attacked(NamedTuple):
    """A superuser's connection, and what there is to change by name."""

    connection: Connection
    ids: dict[str, str]


_IDS = """
SELECT r.id AS run, r.scheme_version_id AS scheme, l.id AS line, l.enterprise_id AS first, c.id AS case, c.code, d.id AS item, a.id AS affiliation,
       b.id AS budget, s.id AS standing, k.id AS account, i.key, p.id AS payout, t.id AS trade, t.contract_id AS contract, t.venue_id AS venue,
       (SELECT id FROM subsidy_objection) AS objection,
       (SELECT id FROM venue WHERE id <> t.venue_id LIMIT 1) AS other_venue, e.entry_id AS entry,
       (SELECT id FROM audit_event WHERE action = 'participants.admit' AND subject_id = l.enterprise_id) AS admitted
  FROM subsidy_run AS r JOIN subsidy_line AS l ON l.run_id = r.id AND l.clause_id = 'typical-case' AND l.amount_fen > 0
  JOIN subsidy_case AS c ON c.code = l.candidate_id, subsidy_declared_item AS d, affiliation AS a, subsidy_budget AS b, participant_standing AS s, account AS k,
       idempotency_key AS i, payout AS p, trade AS t JOIN business_key AS e ON e.source_id = t.id AND e.kind = 'settlement'
 WHERE p.award_id = l.id AND s.state = 'suspended' AND 'auditor' = ANY (k.roles) AND t.provider_id = l.enterprise_id AND i.status = 201
"""


async def paid(database: Database, folder: Path) -> None:
    """A year of two sellers, a relation, a refund, a suspension and a budget; closed, and sealed."""
    on = await world.stage(database)
    first, second, third = [await world.enterprise(database) for _ in range(3)]
    agreement, [trade] = await world.sells(on, first, 20_000_000, at=MARCH)
    await world.sells(on, second, 10_000_050, at=MARCH)
    await trading.refund(database, agreement, trade.id, Fen(1))
    case = await world.case(database, first)
    await declared.submitted(database, first, case, 1, [await declared.invoice(database, first, 1)])
    await world.controls(database, third, second, since=date(YEAR, 12, 1))
    await clerk(database, Role.AUDITOR)
    officers = Officers()
    async with database.transaction() as session:
        await suspend(session, third.id)
        await register_actions.load_shipped_schemes(session, AUTHORITY, now=AFTER_YEAR)
        await register_actions.set_budget(
            session, AUTHORITY, None, scheme_id=CITY, year=YEAR, amount_fen=100_000_000, now=moment()
        )
    await enrol(database, officers.calculator)
    app = create_app(settings_in(folder), database, read_clock=lambda: AFTER_YEAR)
    async with client_of(app, officers.calculator, AFTER_YEAR) as client:
        opened = await client.post("/subsidy/runs", json={"scheme": CITY, "year": YEAR})
    assert opened.status_code == 201, opened.text
    before = (RunEvent.SNAPSHOT, RunEvent.CALCULATE, RunEvent.SUBMIT, RunEvent.PUBLICISE)
    after = (RunEvent.APPROVE, RunEvent.POST, RunEvent.PAY, RunEvent.CLOSE)
    async with database.transaction() as session:
        run = await run_queries.lock_run(session, opened.json()["id"])
    await world.moved(database, officers, run, *before)
    objection = await world.objected(database, acting_for(second), run)
    await world.judged(database, officers.reviewer, objection, ObjectionEvent.REJECT)
    await world.moved(database, officers, run, *after, now=AFTER_PUBLICITY)
    await seal_all(database, settings_in(folder), lambda: AFTER_PUBLICITY)


@pytest_asyncio.fixture(scope="module")
async def market(
    module_database: Database, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Attacked]:
    """It holds before anything is changed."""
    await paid(module_database, tmp_path_factory.mktemp("sealed"))
    async with auditing(module_database.url) as connection:
        await assert_books_still_hold(connection)
        found = await connection.fetch(_IDS)
        ids = {name: str(value) for name, value in found[0].items()}
        second = "SELECT provider_id FROM trade WHERE provider_id <> $1"
        yield Attacked(
            connection, ids | {"second": str(await connection.fetchval(second, found[0]["first"]))}
        )


@pytest.mark.parametrize("deed", DEEDS)
async def test_what_a_superuser_changes_is_found_and_named(market: Attacked, deed: str) -> None:
    done, found_by, named = (part.format(**market.ids) for part in DEEDS[deed])
    attempt = market.connection.transaction()
    await attempt.start()
    try:
        await market.connection.execute("SET LOCAL session_replication_role = replica")
        await market.connection.execute(done)
        wanted = [check for check in CHECKS if check.id == found_by]
        [found] = await checks.run(market.connection, trading.LEDGER_ID, wanted)
    finally:
        await attempt.rollback()
    assert any(named in breach for breach in found.breaches), found.breaches
