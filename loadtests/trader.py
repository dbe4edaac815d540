"""A trader: a buyer and a provider sign one contract, then use it, trade under it, refund, and read the books."""

import os
import random
from datetime import timedelta
from itertools import count
from typing import Any

from locust import between, task

from datamarket.foundation.clock import read_clock
from datamarket.foundation.ids import new_id
from loadtests.journey import Account, Journey

ENTERPRISES = int(os.environ.get("LOADTESTS_ENTERPRISES", "60"))
TERM = timedelta(days=365)
DEPOSIT_FEN = 100_000_000_000
BATCH = 50
METERED = {"per_call", "per_period", "free"}
_number = count(1)


def _username(number: int) -> str:
    return f"dm-{(number - 1) % ENTERPRISES + 1:03}"


class Trader(Journey):
    """One buyer with one contract of its own; the provider is the first other enterprise that sells by use."""

    weight = 3
    wait_time = between(0.05, 0.5)

    def on_start(self) -> None:
        first = next(_number)
        for number in range(first, first + ENTERPRISES):
            self.buyer = self.sign_in(_username(number))
            self.provider, listing = self._find_provider(number)
            contract = self._conclude(listing)
            if contract is not None:  # who is suspended signs nothing
                break
        else:
            self.give_up("no contract")
        self.contract = contract
        self._fund()
        self.trades: list[dict[str, Any]] = []

    def _find_provider(self, number: int) -> tuple[Account, dict[str, Any]]:
        for offset in range(1, ENTERPRISES):
            account = self.sign_in(_username(number + offset))
            page = self.read("/listings?mine=true&state=published&limit=50", "listings: own", by=account)
            offers = [item for item in (page or {"items": []})["items"] if item["price_model"] in METERED]
            if offers:
                break
        else:
            self.give_up("nobody sells by use")
        return account, random.choice(offers)

    def _fund(self) -> None:
        """The buyer pays in; finance records that the money arrived."""
        me = self.read("/auth/me", "who am I", by=self.buyer)
        body = {
            "owner_id": me["participant_id"],
            "amount_fen": DEPOSIT_FEN,
            "reference": f"load {new_id(read_clock()).hex}",
        }
        self.write("/ledger/deposits", "deposit", body, by=self.sign_in("finance"))

    def _conclude(self, listing: dict[str, Any]) -> str | None:
        public = listing["use_class"] == "public_good"
        self.purpose = "public_welfare" if public else "industrial_development"
        now = read_clock()
        body = {
            "listing_id": listing["id"],
            "purposes": [self.purpose],
            "use_class": "public_good" if public else "industry",
            "term_from": now.isoformat(),
            "term_to": (now + TERM).isoformat(),
        }
        suspended = {"participant.not-admitted"}
        asked = self.write("/contracts", "contract: request", body, by=self.buyer, may_refuse=suspended)
        if asked is None:
            return None
        path = f"/contracts/{asked['id']}/events"
        self.write(path, "contract: agree", {"event": "agree"}, by=self.provider)
        self.write(path, "contract: sign", {"event": "sign"}, by=self.provider)
        self.write(path, "contract: sign", {"event": "sign"}, by=self.buyer)
        return str(asked["id"])

    def _order(self) -> dict[str, Any]:
        return {"contract_id": self.contract, "purpose": self.purpose, "quantity": random.randint(1, 20)}

    def _buy(self, name: str, body: dict[str, Any]) -> dict[str, Any] | None:
        """Who has spent what it paid in pays in again."""
        poor = {"ledger.funds-insufficient"}
        recorded: dict[str, Any] | None = self.write("/trades", name, body, by=self.buyer, may_refuse=poor)
        if recorded is None:
            self._fund()
        return recorded

    @task(10)
    def trade(self) -> None:
        recorded = self._buy("trade", self._order())
        if recorded is not None and recorded["amount_fen"]:
            self.trades = [*self.trades[-99:], recorded]

    @task(1)
    def trade_many(self) -> None:
        body = {"items": [self._order() for _ in range(BATCH)]}
        self.write("/trades/batch", f"trades: batch of {BATCH}", body, by=self.buyer)

    @task(4)
    def use_then_price(self) -> None:
        """Metered at the gate, priced afterwards."""
        use = {"purpose": self.purpose, "quantity": 1}
        self.write(f"/contracts/{self.contract}/uses/dry-run", "use: dry run", use, by=self.buyer)
        used = self.write(f"/contracts/{self.contract}/uses", "use", use, by=self.buyer)
        if used is not None:
            body = {"contract_id": self.contract, "use_id": used["id"]}
            self._buy("trade of a use", body)

    @task(2)
    def refuse_another_purpose(self) -> None:
        """A purpose that the contract does not name is refused, and counts nothing."""
        use = {"purpose": "research", "quantity": 1}
        refusals = {"contract.purpose-not-authorised"}
        path = f"/contracts/{self.contract}/uses"
        self.write(path, "use: other purpose", use, by=self.buyer, may_refuse=refusals)

    @task(2)
    def refund(self) -> None:
        """Half of it, or the rest; a second refund may find nothing left."""
        if not self.trades:
            return
        trade = random.choice(self.trades)
        half = max(1, trade["amount_fen"] // 2)
        body = {"amount_fen": random.choice((half, None)), "reason": "质量不符合约定"}
        gone = {"trade.nothing-to-refund", "ledger.refund-exceeds"}
        path = f"/trades/{trade['id']}/refunds"
        self.write(path, "refund", body, by=self.provider, may_refuse=gone)

    @task(3)
    def read_books(self) -> None:
        """Both sides look at their accounts and trades."""
        reader = random.choice((self.buyer, self.provider))
        accounts = self.read("/ledger/accounts", "ledger: accounts", by=reader)
        if accounts is not None and accounts["items"]:
            account = random.choice(accounts["items"])["id"]
            self.read(f"/ledger/accounts/{account}/legs", "ledger: movements", by=reader)
        trades = self.read("/trades?limit=10", "trades: own", by=reader)
        if trades is not None and trades["items"]:
            trade = random.choice(trades["items"])["id"]
            self.read(f"/trades/{trade}/certificate", "trade: certificate", by=reader)
