"""A buyer goes the whole way with a provider: found by a Chinese word, offered, countered, agreed, signed, tried, used and paid."""

from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser

from datamarket.foundation.clock import read_clock
from tests.pages.conftest import PASSWORD
from tests.pages.reader import LOOKS, Look, Reader

BUYER, PROVIDER = "dm-003", "dm-002"
WORD = "海工作业"
"""Of a product on public data, which the provider sells by the call."""
ASKED, WANTED, USED = 1000, 500, 20
PRICES = ("0.80", "0.70", "0.65")
"""Listed, offered, and agreed; the last, used twenty times, is what is paid."""
PAID = "13.00"


@pytest.mark.parametrize("look", [*LOOKS[:2], *LOOKS[4:]], ids=str)
def test_a_buyer_goes_from_the_search_to_the_trade(chromium: Browser, place: str, look: Look) -> None:
    with Reader(chromium, place, look) as buyer, Reader(chromium, place, look) as provider:
        buyer.sign_in(BUYER, PASSWORD)
        provider.sign_in(PROVIDER, PASSWORD)
        contract = _asked_for(buyer)
        _negotiated(buyer, provider, contract)
        _signed(buyer, provider, contract)
        _used(buyer, contract)


def _asked_for(buyer: Reader) -> str:
    """From the first page to a request, and the page of the contract."""
    today = (
        read_clock().date()
    )  # the date at Greenwich: its midnight in Qingdao is past at every hour of the day
    buyer.go("/")
    buyer.search(WORD)
    buyer.follow("/catalogue/")
    assert PRICES[0] in buyer.told()
    buyer.follow("/form/contracts")
    buyer.fill(purposes="industrial_development", quota=str(ASKED))
    buyer.fill(term_from=f"{today}T00:00", term_to=f"{today + timedelta(days=90)}T00:00")
    buyer.press()
    return urlsplit(buyer.page.url).path


def _negotiated(buyer: Reader, provider: Reader, contract: str) -> None:
    """The provider finds the request on the desk and answers; the buyer counters, and the provider agrees."""
    provider.go("/desk")
    provider.follow(contract)
    provider.follow(f"/form{contract.removeprefix('/my')}/offers")
    assert PRICES[0] in provider.told(), "what stands now is said beside the field"
    provider.fill(price_fen=PRICES[1])
    provider.press()
    buyer.go("/desk")
    buyer.follow(contract)
    buyer.follow(f"/form{contract.removeprefix('/my')}/offers")
    buyer.fill(price_fen=PRICES[2], quota=str(WANTED))
    buyer.press()
    assert all(price in buyer.told() for price in PRICES), "every version stands beside the others"
    provider.go(contract)
    provider.do("agree")


def _signed(buyer: Reader, provider: Reader, contract: str) -> None:
    provider.do("sign")
    buyer.go(contract)
    buyer.do("sign")
    assert buyer.state() == "active"


def _used(buyer: Reader, contract: str) -> None:
    """Tried first; then the quota is less, the trade is shown, and the money has left."""
    buyer.follow(f"{contract}/try")
    buyer.fill(quantity=str(USED))
    buyer.ask()
    buyer.follow("/form/trades")
    buyer.press()
    assert "/my/trades/" in buyer.page.url
    assert PAID in buyer.told()
    buyer.follow(contract)
    assert buyer.page.locator("meter").get_attribute("value") == str(USED)
    assert buyer.page.locator("main a[href^='/my/trades/']").count() == 1
