"""A buyer's program on the generated shapes of JSON, with any HTTP library. It is typed, not run."""

from collections.abc import Callable

from market_shapes import BatchOut, GrantForm, ListingDetail, TokenOut, TradeIn

Posting = Callable[[str, object], BatchOut]


def sign_in(username: str, password: str) -> GrantForm:
    return {"grant_type": "password", "username": username, "password": password}


def authorization(token: TokenOut) -> str:
    return f"Bearer {token['access_token']}"


def order(listing: ListingDetail, contract_id: str, use_id: str | None) -> TradeIn:
    """A new use, or one that was metered before."""
    if use_id is not None:
        return {"contract_id": contract_id, "use_id": use_id}
    return {
        "contract_id": contract_id,
        "purpose": "industrial_development",
        "quantity": len(listing["resources"]),
    }


def bought(batch: BatchOut) -> tuple[int, list[str]]:
    """What was recorded, in fen, and why the rest was not: `outcome` tells the two apart."""
    recorded = [item["trade"]["amount_fen"] for item in batch["items"] if item["outcome"] == "recorded"]
    refused = [item["code"] for item in batch["items"] if item["outcome"] == "refused"]
    return sum(recorded), refused


def without_a_form(contract_id: str) -> TradeIn:
    """An order that the document forbids is no type: the checker must complain here."""
    return {"contract_id": contract_id, "quantity": 100}  # type: ignore[return-value]
