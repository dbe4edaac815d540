"""/contracts: request, events, uses."""

from datetime import datetime
from functools import partial
from typing import Annotated, Any, ClassVar, Literal, Self
from uuid import UUID

import orjson
from fastapi import Request, Response
from pydantic import Field

from datamarket.auth.access import ReadMarket, allow
from datamarket.auth.rules import organisation_of
from datamarket.auth.terms import Actor, Permission
from datamarket.catalogue.listings.shapes import PriceTermsOut
from datamarket.catalogue.listings.terms import ChargeKind
from datamarket.contracts import actions, decision, metering, queries, rules
from datamarket.contracts.kinds.shapes import AnnexIn
from datamarket.contracts.kinds.terms import ContractKind
from datamarket.contracts.limits.shapes import OperandsIn
from datamarket.contracts.tables import ContractUse
from datamarket.contracts.terms import (
    ContractEvent,
    ContractState,
    Demand,
    Party,
    Purpose,
    Use,
    UseRule,
)
from datamarket.foundation.db import driver
from datamarket.foundation.desks.desk import Desk
from datamarket.foundation.errors import NotFound
from datamarket.foundation.http import (
    AllowedEvents,
    Body,
    BoolIn,
    IfMatch,
    InstantIn,
    KeyHeader,
    LedgerId,
    Now,
    Page,
    Paging,
    PlainWriting,
    Prose,
    QuantityIn,
    Reading,
    Shape,
    SliceRouter,
    Writing,
    check_tag,
    claim_of,
    database_of,
    page_of,
)
from datamarket.foundation.idempotency import Answer, check_caller
from datamarket.foundation.inputs.batches import each
from datamarket.foundation.inputs.bodies import BodyLimits
from datamarket.foundation.inputs.hot import hot
from datamarket.foundation.shapes import RowShape, answered, batch_answer
from datamarket.zones.terms import UseClass

router = SliceRouter(prefix="/contracts", tags=["contracts"])
RequestContract = Annotated[Actor, allow(Permission.REQUEST_CONTRACT)]
ConcludeContract = Annotated[Actor, allow(Permission.CONCLUDE_CONTRACT)]
UseContract = Annotated[Actor, allow(Permission.USE_CONTRACT)]
LARGEST_BATCH = 5000


class ContractIn(Body):
    """A request for a contract on a published listing."""

    listing_id: UUID
    purposes: list[Purpose] = Field(min_length=1, max_length=5, examples=[["industrial_development"]])
    use_class: UseClass = Field(examples=["industry"])
    term_from: InstantIn = Field(examples=["2024-07-01T00:00:00+08:00"])
    term_to: InstantIn = Field(
        description="not included: the term is half-open", examples=["2025-07-01T00:00:00+08:00"]
    )
    quota: QuantityIn | None = Field(default=None, description="units in all; null for no limit")
    redevelopment: BoolIn = Field(default=False, description="the buyer makes new products of it")
    kind: ContractKind = ContractKind.PROVISION
    annex: AnnexIn = AnnexIn()


class WaitingOut(RowShape):
    """Who must act, until when, and the contract's state if nobody does; `party` is null where each of the two must."""

    party: Party | None
    until: datetime
    then: ContractState


class ContractOut(RowShape):
    """A contract as both parties see it: its terms are those negotiated last, and once both have signed those in force."""

    id: UUID
    kind: ContractKind
    kind_zh: str
    kind_en: str
    state: ContractState
    state_zh: str
    state_en: str
    reason: str | None
    listing_id: UUID
    product_id: UUID
    product_version: int
    category: str
    provider_id: UUID
    buyer_id: UUID
    venue_id: UUID
    zone_id: UUID | None
    price_model: str
    price_fen: int
    period_days: int | None
    price_terms: PriceTermsOut | None
    purposes: list[Purpose]
    use_class: UseClass
    redevelopment: bool
    term_from: datetime
    term_to: datetime
    quota: int | None
    annex: dict[str, Any]
    terms_number: int = Field(description="of the version of the terms that is shown")
    provider_signed_at: datetime | None
    buyer_signed_at: datetime | None
    ends_at: datetime | None = Field(description="after notice was given")
    waiting: WaitingOut | None
    created_at: datetime
    version: int

    @classmethod
    def of(cls, row: Any, **derived: Any) -> Self:
        found = rules.waiting(ContractState(row.state), row.awaits, row.answer_by)
        return super().of(row, waiting=found and WaitingOut.of(found), **derived)


class ContractEventIn(Body):
    """`reason` is needed to reject, withdraw, suspend and terminate."""

    event: ContractEvent
    reason: Prose | None = None


class ContractEventsOut(AllowedEvents[ContractState, ContractEvent]):
    """What this caller may do now."""


class UseIn(OperandsIn):
    """One use: so many units, for one purpose; `used_at` where it took place before now."""

    purpose: Purpose
    quantity: QuantityIn = 1
    used_at: InstantIn | None = Field(default=None, description="recorded late, within days of a rule")

    def demand(self, contract_id: UUID, buyer_id: UUID, now: datetime) -> Demand:
        late = None if self.used_at is None else now
        return Demand(
            contract_id,
            buyer_id,
            self.purpose,
            self.quantity,
            self.used_at or now,
            operands=self.operands,
            recorded_at=late,
        )


class UseOut(RowShape):
    """One metered use; or, of no units, a fee of the price plan with the first instant of its period."""

    id: UUID
    contract_id: UUID
    purpose: Purpose
    quantity: int
    at: datetime = Field(description="when it took place")
    recorded_at: datetime = Field(description="later than `at` where it was recorded late")
    fee: ChargeKind | None

    @classmethod
    def of(cls, row: ContractUse, **derived: Any) -> Self:
        return super().of(row, recorded_at=row.recorded_at or row.at, **derived)


class UsesIn(Body):
    """Up to 5,000 uses under one contract; with `atomic`, all of them or none."""

    limits: ClassVar[BodyLimits] = BodyLimits(octets=2**21, nodes=16 * LARGEST_BATCH)  # a use has 15
    items: Annotated[list[UseIn], Field(min_length=1, max_length=LARGEST_BATCH), each(UseIn, LARGEST_BATCH)]
    atomic: BoolIn = False


class MeteredOut(Shape):
    """An item that was counted."""

    outcome: Literal["recorded"]
    use: UseOut
    code: None
    zh: None
    en: None


class UseRefusedOut(Shape):
    """An item that counted nothing, and why."""

    outcome: Literal["refused"]
    use: None
    code: str
    zh: str
    en: str


class UsesOut(Shape):
    """Outcomes in the order of the items."""

    recorded: int
    refused: int
    items: list[Annotated[MeteredOut | UseRefusedOut, Field(discriminator="outcome")]]


class DecisionOut(Shape):
    """What would be decided now; nothing is counted."""

    authorised: bool
    code: str | None = Field(description="the refusal's stable code")
    zh: str | None
    en: str | None
    rule: UseRule = Field(description="that decided: the first that denies, or the last where all permit")
    rule_zh: str
    rule_en: str
    used: int
    reserved: int = Field(description="units that open orders keep")
    quota: int | None


@router.post("", status_code=201, summary="Request a contract")
async def request_contract(
    actor: RequestContract,
    response: Response,
    session: Writing,
    now: Now,
    body: ContractIn,
) -> ContractOut:
    clauses = {"purposes": frozenset(body.purposes), "annex": body.annex.clauses()}
    contract = await actions.request_contract(session, actor, **dict(body) | clauses, now=now)
    return ContractOut.tagged(contract, response)


@router.get("", summary="Your contracts, newest first")
async def list_contracts(
    actor: ReadMarket, session: Reading, paging: Paging[UUID], state: ContractState | None = None
) -> Page[ContractOut]:
    rows = await queries.list_contracts(session, visible_to=actor, state=state, page=paging)
    return page_of(rows, paging, ContractOut.of, lambda contract: [contract.id])


@router.get("/{contract_id}", summary="One contract")
async def get_contract(
    actor: ReadMarket, response: Response, session: Reading, contract_id: UUID
) -> ContractOut:
    contract = await queries.get_contract(session, contract_id, visible_to=actor)
    return ContractOut.tagged(contract, response)


@router.post("/{contract_id}/events", summary="Agree, sign, suspend, end …")
async def move_contract(
    actor: ConcludeContract,
    ledger_id: LedgerId,
    response: Response,
    session: Writing,
    now: Now,
    contract_id: UUID,
    body: ContractEventIn,
    if_match: IfMatch = None,
) -> ContractOut:
    """Signed by both parties, the contract is active at once."""
    contract = await queries.lock_contract(session, contract_id, visible_to=actor)
    check_tag(if_match, contract.version)
    moved = await actions.move_contract(
        session, actor, contract, body.event, ledger_id=ledger_id, reason=body.reason, now=now
    )
    return ContractOut.tagged(moved, response)


@router.get("/{contract_id}/allowed-events", summary="What you may do with it now")
async def allowed_events(actor: ReadMarket, session: Reading, contract_id: UUID) -> ContractEventsOut:
    contract = await queries.get_contract(session, contract_id, visible_to=actor)
    state = ContractState(contract.state)
    try:
        party = rules.party_of(actor, provider_id=contract.provider_id, buyer_id=contract.buyer_id)
    except rules.NotYourMove:
        return ContractEventsOut(state=state, events=[])
    meter = (await queries.meters(await driver(session), [contract_id])).get(contract_id)
    undecided = meter.undecided if meter else 0
    events = rules.moves_of(party, state, undecided=undecided, ends_at=contract.ends_at)
    return ContractEventsOut(state=state, events=events)


def install_desk(app: Any) -> None:
    """The queue of single uses of this process, and the terms that it remembers for whatever uses a contract."""
    state = app.state
    state.terms_reader = reader = queries.FrozenTermsReader()
    plan, post = partial(metering.plan_uses, reader=reader), partial(metering.record_uses, reader=reader)
    state.use_desk = Desk(state.database, plan, post, answer_of, state.read_clock)


def render(use: Use) -> bytes:
    """A fresh use as the bytes that its caller gets, and that its key keeps."""
    return orjson.dumps(
        use._asdict(), default=str, option=orjson.OPT_UTC_Z
    )  # the driver has a UUID of its own


def answer_of(use: Use) -> Answer:
    return Answer(201, render(use), None)


@router.post(
    "/{contract_id}/uses", status_code=201, response_model=UseOut, summary="Authorise and meter one use"
)
@hot
async def use_contract(
    actor: UseContract,
    request: Request,
    now: Now,
    contract_id: UUID,
    body: UseIn,
    idempotency_key: KeyHeader,
) -> Response:
    """Decided and counted in one step: a refusal counts nothing, and says which rule refused."""
    demand = body.demand(contract_id, organisation_of(actor), now)
    claim = await claim_of(request, idempotency_key)
    return answered(await request.app.state.use_desk.ask((actor, demand), claim))


@router.post("/{contract_id}/uses/batch", response_model=UsesOut, summary="Authorise and meter many uses")
async def use_batch(
    actor: UseContract,
    request: Request,
    connection: PlainWriting,
    now: Now,
    contract_id: UUID,
    body: UsesIn,
) -> Response:
    """Outcomes in the order of the items. With `atomic`, the first refusal is the answer, and nothing is counted."""
    buyer_id = organisation_of(actor)
    wanted = [(actor, item.demand(contract_id, buyer_id, now)) for item in body.items]
    reader = request.app.state.terms_reader
    outcomes = await metering.record_uses(connection, wanted, reader=reader, now=now)
    if isinstance(outcomes[0], NotFound | rules.BuyerUses):
        raise outcomes[0]  # about the contract and its caller, so each item has it
    return batch_answer(outcomes, "use", render, atomic=body.atomic)


@router.get("/{contract_id}/uses", summary="Metered uses, newest first")
async def list_uses(
    actor: ReadMarket, session: Reading, paging: Paging[UUID], contract_id: UUID
) -> Page[UseOut]:
    await queries.get_contract(session, contract_id, visible_to=actor)
    rows = await queries.list_uses(session, contract_id, page=paging)
    return page_of(rows, paging, UseOut.of, lambda use: [use.id])


@router.post("/{contract_id}/uses/dry-run", summary="Would this use be authorised?")
async def dry_run(
    actor: UseContract, request: Request, now: Now, contract_id: UUID, body: UseIn
) -> DecisionOut:
    """The same decision, with nothing counted."""
    demand = body.demand(contract_id, organisation_of(actor), now)
    async with database_of(request).connection() as connection:
        await check_caller(connection, request.state.caller)
        meters = await queries.meters(connection, [contract_id])
        given, refused = await metering.authorisations(connection, {0: demand}, meters, now=now)
    if refused:
        raise refused[0]
    authorisation = given[0]
    rule, refusal = decision.decide_use(authorisation, demand)
    return DecisionOut(
        authorised=refusal is None,
        **(refusal.told() if refusal else {"code": None, "zh": None, "en": None}),
        rule=rule,
        rule_zh=rule.zh,
        rule_en=rule.en,
        used=authorisation.used,
        reserved=authorisation.reserved,
        quota=authorisation.quota,
    )
