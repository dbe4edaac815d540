"""A server and the receiver of docs/told.md, each a process of its own: what happens is sealed, sent and verified."""
# ruff: noqa: ASYNC212 - the test waits for other processes anyway

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import httpx

from datamarket.auth.terms import Actor
from datamarket.auth.tokens import TokenKeeper, load_key
from datamarket.contracts.tables import Contract
from datamarket.foundation.clock import read_clock
from datamarket.foundation.db import Database
from datamarket.foundation.settings import Settings
from loadtests.market import free_port
from tests.e2e.test_two_processes import answers, until
from tests.world import trading
from tests.world.people import enrol

PAGE = Path(__file__).parents[2] / "docs" / "told.md"


@contextmanager
def running(line: list[str], **environment: str) -> Iterator["subprocess.Popen[str]"]:
    popen = subprocess.Popen(  # noqa: S603 - our own
        line, env=os.environ | environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    with popen as process:
        try:
            yield process
        finally:
            process.terminate()


def token_of(who: Actor, folder: Path) -> dict[str, str]:
    settings = Settings(var=folder)
    return {
        "Authorization": f"Bearer {TokenKeeper(load_key(settings), settings).sign(who, now=read_clock())}"
    }


async def test_the_receiver_of_the_page_is_told_what_happened_and_believes_it(
    fresh_database: Database, tmp_path: Path
) -> None:
    [program] = re.findall(
        r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    deal = await trading.requested_contract(fresh_database)
    async with (
        fresh_database.transaction() as session
    ):  # the server's clock is today's: its chores would end it
        contract = await session.get(Contract, deal.contract.id)
        assert contract is not None
        contract.answer_by = read_clock() + timedelta(days=1)
    await enrol(fresh_database, deal.buyer_account)
    port, inbound = free_port(), free_port()
    serve = [sys.executable, "-m", "datamarket", "serve", "--port", str(port)]
    where = {"DATABASE_URL": fresh_database.url, "DATAMARKET_VAR": str(tmp_path)}
    with (
        running(serve, **where, DATAMARKET_WEBHOOK_NETWORKS="127.0.0.0/8"),
        httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1") as caller,
    ):
        until(lambda: answers(caller))
        caller.headers = httpx.Headers(token_of(deal.buyer_account, tmp_path))
        wanted = {"url": f"http://127.0.0.1:{inbound}/told", "types": ["market.contracts.sign"]}
        made = caller.post("/subscriptions", json=wanted, headers={"Idempotency-Key": "told"})
        assert made.status_code == 201, made.text
        path = f"/subscriptions/{made.json()['id']}"
        secret = caller.post(f"{path}/secret").json()["secret"]
        with running([sys.executable, "-c", program], WEBHOOK_SECRET=secret, PORT=str(inbound)) as receiver:
            await trading.sign(fresh_database, deal)
            assert receiver.stdout is not None
            lines = [await asyncio.to_thread(receiver.stdout.readline) for _ in range(2)]
        assert lines == [f"market.contracts.sign contract/{deal.contract.id}\n"] * 2
        until(lambda: len(caller.get(f"{path}/deliveries").json()["items"]) >= 2)
        told = caller.get("/events", params={"type": "market.contracts.sign"}).json()["items"]
    assert [item["subject_id"] for item in told] == [str(deal.contract.id)] * 2
