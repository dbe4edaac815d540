"""A FastAPI and SQLModel service as a good tutorial writes it: sync sessions, rows as objects, response models.

The same sale under the same rules: contract, purpose, term and quota are checked, the price is split into VAT, venue fee and
the provider's part, posted in double entry on balances, and answered under its idempotency key. It checks no token,
writes no audit event and no log line, and knows data of no zone: all that is in its favour.
"""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import Depends, FastAPI, Header, HTTPException, Response
from fastapi.responses import JSONResponse
from sqlalchemy import JSON, BigInteger, Column, create_engine
from sqlmodel import Field, Session, SQLModel, col, select


class RivalListing(SQLModel, table=True):
    id: UUID = Field(primary_key=True)
    product_code: str
    name_zh: str
    name_en: str
    summary_zh: str
    summary_en: str
    category: str
    price_fen: int = Field(sa_type=BigInteger)
    state: str
    published_at: datetime = Field(index=True)


class RivalContract(SQLModel, table=True):
    id: UUID = Field(primary_key=True)
    buyer_id: UUID
    provider_id: UUID
    venue_operator_id: UUID
    purposes: list[str] = Field(sa_column=Column(JSON))
    price_fen: int = Field(sa_type=BigInteger)
    vat_rate: Decimal
    venue_fee_bps: int
    term_from: datetime
    term_to: datetime
    quota: int | None = None
    used: int = 0
    state: str = "active"


class RivalAccount(SQLModel, table=True):
    """One of an owner, or with the nil owner the market's own, of each kind."""

    owner_id: UUID = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    debit_fen: int = Field(default=0, sa_type=BigInteger)
    credit_fen: int = Field(default=0, sa_type=BigInteger)


class RivalTrade(SQLModel, table=True):
    id: UUID = Field(default_factory=uuid4, primary_key=True)
    contract_id: UUID = Field(foreign_key="rivalcontract.id", index=True)
    quantity: int
    unit_price_fen: int = Field(sa_type=BigInteger)
    amount_fen: int = Field(sa_type=BigInteger)
    vat_fen: int = Field(sa_type=BigInteger)
    venue_fee_fen: int = Field(sa_type=BigInteger)
    provider_fen: int = Field(sa_type=BigInteger)
    occurred_at: datetime


class RivalEntry(SQLModel, table=True):
    id: UUID = Field(default_factory=uuid4, primary_key=True)
    trade_id: UUID = Field(foreign_key="rivaltrade.id", unique=True)
    recorded_at: datetime


class RivalLeg(SQLModel, table=True):
    entry_id: UUID = Field(foreign_key="rivalentry.id", primary_key=True)
    seq: int = Field(primary_key=True)
    owner_id: UUID
    kind: str
    amount_fen: int = Field(sa_type=BigInteger)


class RivalAnswer(SQLModel, table=True):
    """What a key was answered with."""

    key: str = Field(primary_key=True)
    order: dict[str, Any] = Field(sa_column=Column(JSON))
    body: dict[str, Any] = Field(sa_column=Column(JSON))


class RivalOrder(SQLModel):
    contract_id: UUID
    purpose: str
    quantity: int = Field(gt=0)


class RivalTradeOut(SQLModel):
    id: UUID
    contract_id: UUID
    quantity: int
    unit_price_fen: int
    amount_fen: int
    vat_fen: int
    venue_fee_fen: int
    provider_fen: int
    occurred_at: datetime


class RivalPage(SQLModel):
    items: list[RivalListing]
    next: datetime | None


MARKET = UUID(int=0)
engine = create_engine(os.environ["RIVAL_DATABASE_URL"].replace("postgresql://", "postgresql+psycopg://"))


def opened_session() -> Iterator[Session]:
    with Session(engine) as session:
        yield session


SessionDep = Annotated[Session, Depends(opened_session)]


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    SQLModel.metadata.create_all(engine)
    yield


app = FastAPI(lifespan=lifespan, telemetry={"tracing": False, "metrics": False})


@app.get("/")
def ready() -> str:
    return "ok"


@app.get("/listings/{listing_id}")
def read_listing(listing_id: UUID, session: SessionDep) -> RivalListing:
    listing = session.get(RivalListing, listing_id)
    if listing is None:
        raise HTTPException(404, "no such listing")
    return listing


@app.get("/listings")
def list_listings(session: SessionDep, limit: int = 20, after: datetime | None = None) -> RivalPage:
    statement = select(RivalListing).where(RivalListing.state == "published")
    if after is not None:
        statement = statement.where(RivalListing.published_at < after)
    found = session.exec(statement.order_by(col(RivalListing.published_at).desc()).limit(limit + 1)).all()
    return RivalPage(
        items=list(found[:limit]), next=found[limit - 1].published_at if len(found) > limit else None
    )


@app.post("/trades", status_code=201, response_model=RivalTradeOut)
def record_trade(
    order: RivalOrder, session: SessionDep, idempotency_key: Annotated[str, Header()]
) -> RivalTradeOut | Response:
    """Two with one key at once: the second breaks on the primary key of the answer, and is a 500 to be retried."""
    asked = order.model_dump(mode="json")
    known = session.get(RivalAnswer, idempotency_key)
    if known is not None:
        if known.order != asked:
            raise HTTPException(422, "this key was used for another order")
        return JSONResponse(known.body, status_code=201)
    now = datetime.now(UTC)
    contract = session.exec(
        select(RivalContract).where(RivalContract.id == order.contract_id).with_for_update()
    ).one_or_none()
    if contract is None:
        raise HTTPException(404, "no such contract")
    check(contract, order, now)
    contract.used += order.quantity
    trade = priced(contract, order.quantity, now)
    session.add(trade)
    session.flush()
    post(session, contract, trade)
    answer = RivalTradeOut.model_validate(trade, from_attributes=True)
    session.add(RivalAnswer(key=idempotency_key, order=asked, body=answer.model_dump(mode="json")))
    session.commit()
    return answer


def check(contract: RivalContract, order: RivalOrder, now: datetime) -> None:
    """Raises HTTPException."""
    if contract.state != "active" or not contract.term_from <= now < contract.term_to:
        raise HTTPException(409, "the contract is not in force")
    if order.purpose not in contract.purposes:
        raise HTTPException(403, "the contract does not allow this purpose")
    if contract.quota is not None and contract.used + order.quantity > contract.quota:
        raise HTTPException(409, "the quota is used up")


def priced(contract: RivalContract, quantity: int, now: datetime) -> RivalTrade:
    """The tax is inside the price; the fee is taken of the net; each is rounded half up to the fen."""
    gross = contract.price_fen * quantity
    vat = rounded(gross * contract.vat_rate / (1 + contract.vat_rate))
    fee = rounded(Decimal((gross - vat) * contract.venue_fee_bps) / 10_000)
    return RivalTrade(
        contract_id=contract.id,
        quantity=quantity,
        unit_price_fen=contract.price_fen,
        amount_fen=gross,
        vat_fen=vat,
        venue_fee_fen=fee,
        provider_fen=gross - vat - fee,
        occurred_at=now,
    )


def rounded(exact: Decimal) -> int:
    return int(exact.quantize(Decimal(1), ROUND_HALF_UP))


def post(session: Session, contract: RivalContract, trade: RivalTrade) -> None:
    """The buyer's funds on the debit side, tax, fee and provider on the credit side. Raises HTTPException."""
    parts = [
        (contract.buyer_id, "buyer_funds", trade.amount_fen),
        (MARKET, "vat_payable", -trade.vat_fen),
        (contract.venue_operator_id, "venue_fee", -trade.venue_fee_fen),
        (contract.provider_id, "provider_income", -trade.provider_fen),
    ]
    entry = RivalEntry(trade_id=trade.id, recorded_at=trade.occurred_at)
    session.add(entry)
    session.flush()
    for seq, (owner_id, kind, amount) in enumerate(
        parts, 1
    ):  # in one order, so that no two wait for each other
        account = session.exec(
            select(RivalAccount)
            .where(RivalAccount.owner_id == owner_id, RivalAccount.kind == kind)
            .with_for_update()
        ).one()
        account.debit_fen += max(amount, 0)
        account.credit_fen += max(-amount, 0)
        if kind == "buyer_funds" and account.debit_fen > account.credit_fen:
            raise HTTPException(409, "the buyer's funds do not suffice")
        session.add(RivalLeg(entry_id=entry.id, seq=seq, owner_id=owner_id, kind=kind, amount_fen=amount))
