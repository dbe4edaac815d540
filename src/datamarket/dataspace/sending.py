"""Sends what consumers' connectors are to be told: a task beside answering, by the means of subscriptions.

Two messages of one process are never on their way at once: its row is leased, and what is said next follows from what was taken.
"""

import asyncio
import logging
import secrets
from base64 import b64encode
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import Any

import orjson
from prometheus_client import Counter

from datamarket.dataspace import actions, messages
from datamarket.dataspace.terms import Callback
from datamarket.dataspace.transfers import actions as transfers
from datamarket.dataspace.transfers.rules import OVER
from datamarket.evidence.log.notes import Notary
from datamarket.foundation.errors import MarketError
from datamarket.foundation.waiting.rounds import Rounds
from datamarket.notices.subscriptions import rules
from datamarket.notices.subscriptions.sending import LEASE, Sender

log = logging.getLogger("datamarket.dataspace")
SENT = Counter("datamarket_dataspace_messages_total", "Attempts to send a message to a connector", ["taken"])
SIGNED_AS = "v1a"
"""Standard Webhooks 1.0.0: Ed25519, with the key at /evidence/key: a connector needs no secret of ours."""


@dataclass
class Courier(Rounds):
    """One process's messages to connectors; addresses, clock and database are the sender's of subscriptions."""

    sender: Sender
    notary: Notary
    public_url: str

    async def take(self, most: int) -> list[Coroutine[Any, Any, None]]:
        """What has moved since its connector was told; what needs no message is settled at once."""
        now, ledger_id = self.sender.read_clock(), self.sender.ledger_id
        async with self.sender.database.connection() as connection:
            negotiations = await actions.take_due(connection, ledger_id, most=most, lease=LEASE, now=now)
            moved = await transfers.take_due(connection, ledger_id, most=most, lease=LEASE, now=now)
        work = [self._serve(row, messages.negotiation_callback(row, now)) for row in negotiations]
        return work + [self._serve(row, messages.transfer_callback(row, self.public_url)) for row in moved]

    async def _serve(self, row: Mapping[str, Any], callback: Callback | None) -> None:
        taken = callback is None or await self._send(callback)
        await self._settle(row, taken=taken, said=callback is not None)

    async def _send(self, callback: Callback) -> bool:
        """Whether it was taken. Each attempt is signed anew; its id is the same for one state of one version."""
        await asyncio.to_thread(import_module, "datamarket.notices.subscriptions.transport")
        from datamarket.notices.subscriptions import transport  # noqa: PLC0415 - see there

        body = orjson.dumps(callback.body)
        name, at = f"{callback.id}.{callback.told}.{callback.version}", self.sender.read_clock()
        stamp = b64encode(self.notary.sign_message(f"{name}.{int(at.timestamp())}.".encode() + body)).decode()
        headers = {
            "Content-Type": "application/json",
            "webhook-id": name,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": f"{SIGNED_AS},{stamp}",
        }
        try:
            async with asyncio.timeout(self.sender.answer_seconds), transport.opened() as client:
                networks, resolve = self.sender.networks, self.sender.resolve
                status = await transport.post(
                    client, callback.url, headers, body, networks=networks, resolve=resolve
                )
            taken = 200 <= status < 300
        except (TimeoutError, MarketError, OSError):
            taken = False
        SENT.labels("yes" if taken else "no").inc()
        return taken

    async def _settle(self, row: Mapping[str, Any], *, taken: bool, said: bool) -> None:
        """What is known now; who did not take it is asked again later, and after so many times no more."""
        failures = 0 if taken else row["failures"] + 1
        later = None if taken else self._later(row, failures)
        told = row["shown"] if taken and (said or not _is_final(row)) else row["told"]
        async with self.sender.database.plain_transaction() as connection:
            if "id" in row:
                goes_on = (
                    taken and row["shown"] not in OVER and row["stands_until"] > self.sender.read_clock()
                )
                due_at = row["stands_until"] if goes_on else later
                await transfers.settle(
                    connection, row["id"], row["version"], told=told, failures=failures, due_at=due_at
                )
            else:
                number = row["terms_number"] if taken else row["told_number"]
                await actions.settle(
                    connection, row, told=told, number=number, failures=failures, due_at=later
                )

    def _later(self, row: Mapping[str, Any], failures: int) -> datetime | None:
        if failures >= rules.MOST_FAILURES:
            log.warning("the connector of %s does not answer: it is told no more", row["consumer_pid"])
            return None
        return self.sender.read_clock() + rules.wait_after(failures, secrets.randbelow(1000))


def _is_final(row: Mapping[str, Any]) -> bool:
    return "id" not in row and row["told"] in {"FINALIZED", "TERMINATED"}
