"""A buyer's program on the generated client: signs in, reads a listing, records a trade. It is typed, not run."""

from uuid import UUID

from market_client import AuthenticatedClient, Client
from market_client.api.auth import auth_issue_token
from market_client.api.catalogue import catalogue_get_listing
from market_client.api.trading import trading_record_trade
from market_client.models import (
    GrantForm,
    GrantFormGrantType,
    ListingDetail,
    MeteredUseTradeIn,
    NewUseTradeIn,
    Purpose,
    TokenOut,
    TradeOut,
)

MARKET = "http://127.0.0.1:8000"


def bought(username: str, password: str, listing_id: UUID, contract_id: UUID) -> int:
    """What a hundred units cost, in fen."""
    form = GrantForm(grant_type=GrantFormGrantType.PASSWORD, username=username, password=password)
    token = auth_issue_token.sync(client=Client(base_url=MARKET), body=form)
    assert isinstance(token, TokenOut)
    client = AuthenticatedClient(base_url=MARKET, token=token.access_token)
    listing = catalogue_get_listing.sync(listing_id, client=client)
    assert isinstance(listing, ListingDetail)
    order = NewUseTradeIn(contract_id=contract_id, purpose=Purpose.INDUSTRIAL_DEVELOPMENT, quantity=100)
    trade = trading_record_trade.sync(client=client, body=order, idempotency_key=f"first of {listing.id}")
    assert isinstance(trade, TradeOut)
    return trade.amount_fen


def neither_form(contract_id: UUID) -> MeteredUseTradeIn:
    """An order that the document forbids is no type: the checker must complain here."""
    return MeteredUseTradeIn(contract_id=contract_id, use_id=None)  # type: ignore[arg-type]
