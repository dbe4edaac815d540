"""A mandate is withdrawn and reinstated, and PostgreSQL killed once, while 64 clients race for the last of a quota."""

import asyncio
import random
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import count
from uuid import UUID

import asyncpg
import orjson

from datamarket.authority import actions
from datamarket.foundation.clock import business_date, read_clock
from datamarket.foundation.db import Database
from datamarket.foundation.errors import Unavailable
from datamarket.foundation.waiting.outages import is_outage
from datamarket.server.checks import check_books
from datamarket.zones import queries as zones
from datamarket.zones.terms import MandateEvent, MandateState
from loadtests import wire
from loadtests.bench_works import API
from loadtests.faults.oracle import Intent, Journal, Kind, Verdict, judge, read_books
from loadtests.faults.proof import Proof
from loadtests.faults.stand import Stand, stand, tell
from loadtests.faults.traffic import PAUSE_SECONDS, Line
from tests.world import trading
from tests.world.people import AUTHORITY, enrol
from tests.world.trading import Agreement

CLAIM = (
    "a mandate withdrawn and reinstated twice and PostgreSQL killed once, while 64 clients race for a quota of 1,000:"
    " each unit is metered and billed once, and none while the mandate was withdrawn"
)
CLIENTS = 64
QUOTA = 1_000
SPENT_AFTER = 0.7
"""Share of the time after which the quota would be spent if nothing happened."""
WITHDRAWN = ((0.15, 0.3), (0.5, 0.65))
"""From when to when, as shares of the time."""
KILLED = (0.1, 0.7)
CONTROL_SHARE = 1 / 3
LONGEST_FACTOR = 4
DONE = {MandateEvent.WITHDRAW: MandateState.WITHDRAWN, MandateEvent.REINSTATE: MandateState.GRANTED}
REASON = "年度评估不合格（故障实验）"
EXHAUSTED = "contract.quota-exhausted"
_INSIDE = """
SELECT count(*) FROM contract_use AS u JOIN contract AS c ON c.id = u.contract_id JOIN mandate AS m ON m.zone_id = c.zone_id
  JOIN stoppage AS s ON s.target_id = m.id AND u.at >= s.stops_at AND (s.lifted_at IS NULL OR u.at < s.lifted_at)
 WHERE c.id = $1
"""
_COUNTED = """
SELECT (SELECT used FROM contract_meter WHERE contract_id = $1) AS metered,
       (SELECT coalesce(sum(quantity), 0) FROM contract_use WHERE contract_id = $1 AND priced) AS used,
       (SELECT coalesce(sum(quantity), 0) FROM trade WHERE contract_id = $1 AND amount_fen > 0) AS billed
"""
_FORGET = "UPDATE contract_meter SET stands_until = term_to, stopped_by = NULL WHERE contract_id = $1"
"""What a market would do that looks at the chain when a contract is signed, and never again."""


async def prove(*, seconds: float, seed: int) -> Proof:
    """With the meter that follows its mandate; then with one that forgets it."""
    verdict, figures = await _experiment(seconds, seed, name="withdrawals")
    _, control = await _experiment(
        seconds * CONTROL_SHARE, seed + 1, name="withdrawals-control", forgetful=True
    )
    counted = {figures["metered"], figures["used"], figures["billed"]}
    wrong = figures["inside"], figures["answered_inside"], figures["unknown_left"], figures["breaches_after"]
    return Proof(
        id="withdrawals",
        claim=CLAIM,
        holds=verdict.sound and counted == {QUOTA} and not any(wrong),
        figures=figures,
        control=control | {"meter": "does not follow its mandate"},
        control_notices=bool(control["inside"] and control["answered_inside"]),
    )


async def _experiment(
    seconds: float, seed: int, *, name: str, forgetful: bool = False
) -> tuple[Verdict, dict[str, object]]:
    async with stand(name, buyers=1) as on:
        database = await Database(on.url, 2).open()
        try:
            deal = await trading.active_contract(database, of_zone=True, quota=QUOTA)
            await enrol(database, AUTHORITY, deal.buyer_account)
            with Journal(on.folder / "intents.jsonl") as journal, on.market.serving() as port:
                tell(f"{name}: {CLIENTS} clients on {QUOTA} units in {seconds:.0f} s")
                race = Race(on, port, journal, deal, seconds, seed)
                begun = time.monotonic()
                await asyncio.gather(
                    *(race.client(number) for number in range(CLIENTS)),
                    _withdraw(database, race, forgetful=forgetful),
                    _kill(on, seconds, seed),
                )
                took = time.monotonic() - begun
                verdict = judge(journal, await read_books(on.url, on.ledger_id, ["trade"]))
        finally:
            await database.close()
        counted = await _counted(on.url, deal)
        findings = await check_books(on.url, on.ledger_id)
    figures: dict[str, object] = {
        "seconds": int(took),
        "clients": CLIENTS,
        **counted,
        "answered_inside": race.answered_inside(),
        "refused_while_withdrawn": sum(code != EXHAUSTED for code in race.refusals),
        "unknown_left": len(journal.unknown),
        "put_off": dict(journal.put_off),
        **verdict.figures(),
        "breaches_after": [finding.check.id for finding in findings if not finding.holds],
    }
    tell(f"{name}: {figures}")
    return verdict, figures


@dataclass
class Race:
    """Clients that each want one unit at a time, until the quota is spent."""

    stand: Stand
    port: int
    journal: Journal
    deal: Agreement
    seconds: float
    seed: int
    withdrawn: list[tuple[float, float]] = field(default_factory=list)
    """From after a withdrawal was committed to before its reverse, on the monotonic clock."""
    answered: list[tuple[float, float]] = field(default_factory=list)
    """Each use under a new key: when it was asked for and when its answer came."""
    refusals: list[str] = field(default_factory=list)

    async def client(self, number: int) -> None:
        chance = random.Random(f"{self.seed}/{number}")
        pause = self.seconds * SPENT_AFTER * CLIENTS / QUOTA
        bearer = self.stand.bearer(self.deal.buyer_account, now=read_clock())
        body = orjson.dumps(
            {"contract_id": str(self.deal.contract.id), "purpose": self.deal.purpose, "quantity": 1}
        )
        line = Line(self.port)
        until = time.monotonic() + self.seconds * LONGEST_FACTOR
        for wish in count():
            await asyncio.sleep(chance.uniform(0, 2 * pause))
            intent = Intent(f"{self.seed}-{number}-{wish}", Kind.TRADE, f"{API}/trades", body)
            self.journal.intend(intent, intent.id)
            if await self._until_decided(line, intent, bearer) == EXHAUSTED or time.monotonic() > until:
                break
        line.close()

    async def _until_decided(self, line: Line, intent: Intent, bearer: str) -> str | None:
        """The code of the refusal, if it was one. Every wish is asked, under its key, until it is decided."""
        headers = {"Authorization": bearer, "Idempotency-Key": intent.id, "Accept-Language": "en"}
        for attempt in count():
            self.journal.tries += 1
            sent = time.monotonic()
            answer = await line.ask(wire.request("POST", intent.path, headers, intent.body))
            if answer is not None and self.journal.hear(intent.id, answer.status, answer.body):
                if answer.status == HTTPStatus.CREATED:
                    if attempt == 0:
                        self.answered.append((sent, time.monotonic()))
                    return None
                self.refusals.append(orjson.loads(answer.body)["code"])
                return self.refusals[-1]
            await asyncio.sleep(PAUSE_SECONDS)
        raise AssertionError

    def answered_inside(self) -> int:
        """Uses that were asked for and permitted between a withdrawal and its reverse."""
        return sum(
            begin <= sent and heard <= end for sent, heard in self.answered for begin, end in self.withdrawn
        )


async def _withdraw(database: Database, race: Race, *, forgetful: bool) -> None:
    """By the authority, as its office does it; an outage is waited out."""
    begun = time.monotonic()
    zone_id = race.deal.contract.zone_id
    assert zone_id is not None  # noqa: S101 - a contract on a zone's data
    async with database.transaction() as session:
        mandate = await zones.mandate_at(session, zone_id, business_date(read_clock()))
        assert mandate is not None  # noqa: S101 - its zone is open
    for start, stop in WITHDRAWN:
        await asyncio.sleep(max(0, begun + start * race.seconds - time.monotonic()))
        await _move(database, zone_id, mandate.id, MandateEvent.WITHDRAW)
        if forgetful:
            await _forget(race)
        withdrawn = time.monotonic()
        await asyncio.sleep(max(0, begun + stop * race.seconds - time.monotonic()))
        race.withdrawn.append((withdrawn, time.monotonic()))
        await _move(database, zone_id, mandate.id, MandateEvent.REINSTATE)


async def _move(database: Database, zone_id: UUID, mandate_id: UUID, event: MandateEvent) -> None:
    """Again until it is seen to be done: an outage may hide what became of it."""
    while True:
        try:
            async with database.transaction() as session:
                mandate = await zones.lock_mandate(session, zone_id, mandate_id)
                if mandate.state != DONE[event]:
                    await actions.move_mandate(
                        session, AUTHORITY, zone_id, mandate_id, event, reason=REASON, now=read_clock()
                    )
                return
        except Exception as error:
            if not (isinstance(error, Unavailable) or is_outage(error)):
                raise
            await asyncio.sleep(PAUSE_SECONDS)


async def _forget(race: Race) -> None:
    connection = await asyncpg.connect(race.stand.url)
    try:
        await connection.execute(_FORGET, race.deal.contract.id)
    finally:
        await connection.close()


async def _kill(on: Stand, seconds: float, seed: int) -> None:
    await asyncio.sleep(seconds * random.Random(seed).uniform(*KILLED))
    on.cluster.kill()
    await asyncio.to_thread(on.cluster.start)


async def _counted(url: str, deal: Agreement) -> dict[str, object]:
    connection = await asyncpg.connect(url)
    try:
        row = await connection.fetchrow(_COUNTED, deal.contract.id)
        inside = await connection.fetchval(_INSIDE, deal.contract.id)
    finally:
        await connection.close()
    return {**{name: int(value) for name, value in (row or {}).items()}, "inside": inside}
