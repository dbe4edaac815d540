"""/dsp/2025-1: catalogue, negotiations and transfers as a consumer's connector asks for them; and the version document."""

from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response

from datamarket.auth.access import Deciding, ReadMarket
from datamarket.auth.terms import Actor
from datamarket.catalogue.listings.terms import ListingState
from datamarket.catalogue.search import queries as listings
from datamarket.catalogue.search.queries import Search
from datamarket.contracts.api import ConcludeContract, RequestContract, UseContract
from datamarket.dataspace import actions, messages, rules, shapes
from datamarket.dataspace.policies import read_policy, read_request
from datamarket.dataspace.rules import ACCEPTING, TERMINATING, VERIFYING, ConsumerMove
from datamarket.dataspace.shapes import ContractNegotiation, MessageRoute, TransferProcessShown
from datamarket.dataspace.terms import BASE_PATH, CONTEXT, VERSION
from datamarket.dataspace.transfers import actions as transfer_actions
from datamarket.dataspace.transfers import queries as transfer_queries
from datamarket.dataspace.transfers.rules import is_moved_already, shown_state
from datamarket.dataspace.transfers.tables import TransferProcess
from datamarket.dataspace.transfers.terms import TransferProcessEvent
from datamarket.foundation.errors import NotFound
from datamarket.foundation.http import API_PREFIX, LedgerId, Now, Paging, Reading, SliceRouter, database_of
from datamarket.foundation.inputs.cursors import encode_cursor
from datamarket.notices.subscriptions.addresses import open_address
from datamarket.notices.subscriptions.sending import Sender

router = SliceRouter(prefix=BASE_PATH, tags=["dataspace"])
router.route_class = MessageRoute
versions = APIRouter(tags=["dataspace"])
REFUSED: dict[int | str, dict[str, Any]] = {400: {"model": shapes.DataspaceRefusal}}
LINKED: dict[int | str, dict[str, Any]] = {200: {"headers": {"Link": {"$ref": "#/components/headers/Link"}}}}


@versions.get(
    "/.well-known/dspace-version", summary="Versions of the Dataspace Protocol, and where they are spoken"
)
async def list_versions() -> shapes.ProtocolVersionsOut:
    spoken = shapes.ProtocolVersionOut(version=VERSION, path=f"{API_PREFIX}{BASE_PATH}", binding="HTTPS")
    return shapes.ProtocolVersionsOut(protocolVersions=[spoken])


@router.post(
    "/catalog/request",
    summary="The catalogue: published listings as datasets, newest first",
    response_model=shapes.CatalogueShown,
    response_model_exclude_none=True,
    responses=LINKED,
)
async def request_catalogue(
    actor: ReadMarket,
    request: Request,
    ledger_id: LedgerId,
    now: Now,
    paging: Paging[tuple[datetime, UUID]],
    body: shapes.CatalogRequestMessage,
    response: Response,
) -> Any:
    """Of each page the next stands in the header `Link`."""
    search = Search(limit=paging.limit, after=paging.after)
    rows = await listings.search_listings(database_of(request), search, now=now)
    kept = rows[: paging.limit]
    if len(rows) > paging.limit:
        after = encode_cursor([kept[-1]["published_at"], kept[-1]["id"]], paging.seal)
        target = request.url.include_query_params(after=after)
        response.headers["Link"] = f'<{target.path}?{target.query}>; rel="next"'
    return messages.catalogue([dict(row) for row in kept], ledger_id, _public_url(request), now)


@router.get(
    "/catalog/datasets/{dataset_id}",
    summary="One dataset: a published listing",
    response_model=shapes.DatasetShown,
    response_model_exclude_none=True,
    responses=REFUSED,
)
async def get_dataset(
    actor: ReadMarket, request: Request, ledger_id: LedgerId, now: Now, dataset_id: UUID
) -> Any:
    row = await listings.find_listing(database_of(request), dataset_id)
    if row is None or row["state"] != ListingState.PUBLISHED:
        raise NotFound(thing="listing")
    service = f"urn:datamarket:{ledger_id}:connector"
    return {"@context": CONTEXT, **messages.dataset(dict(row), service, now)}


@router.post(
    "/negotiations/request",
    status_code=201,
    summary="Request a contract on an offer of the catalogue",
    response_model=ContractNegotiation,
)
async def request_negotiation(
    actor: RequestContract,
    request: Request,
    session: Deciding,
    ledger_id: LedgerId,
    now: Now,
    body: shapes.ContractRequestMessage,
) -> Any:
    """A message with a `consumerPid` that is known already is answered with the negotiation that it began."""
    await _check_callback(request, body.callbackAddress)
    listing_id, use_class, wanted = read_request(body.offer, now)
    found = await actions.request_negotiation(
        session,
        actor,
        ledger_id,
        consumer_pid=body.consumerPid,
        callback_address=body.callbackAddress,
        listing_id=listing_id,
        use_class=use_class,
        wanted=wanted,
        now=now,
    )
    return _negotiation(found)


@router.get(
    "/negotiations/{provider_pid:uuid}",
    summary="A negotiation of yours",
    response_model=ContractNegotiation,
    responses=REFUSED,
)
async def get_negotiation(actor: ReadMarket, session: Reading, provider_pid: UUID) -> Any:
    return _negotiation(await actions.read_negotiation(session, actor, provider_pid))


@router.post(
    "/negotiations/{provider_pid}/request",
    summary="Offer other terms in a negotiation",
    response_model=ContractNegotiation,
)
async def counter_offer(
    actor: ConcludeContract,
    session: Deciding,
    now: Now,
    provider_pid: UUID,
    body: shapes.CounterOfferMessage,
) -> Any:
    """What the policy does not say stays as it is."""
    found = await actions.counter(
        session,
        actor,
        provider_pid,
        read_policy(body.offer),
        target=body.offer.target,
        pids=body.pids,
        now=now,
    )
    return _negotiation(found)


@router.post(
    "/negotiations/{provider_pid}/events",
    summary="Accept the provider's offer",
    response_model=ContractNegotiation,
)
async def accept_offer(
    actor: ConcludeContract,
    session: Deciding,
    ledger_id: LedgerId,
    now: Now,
    provider_pid: UUID,
    body: shapes.ContractNegotiationEventMessage,
) -> Any:
    if body.eventType != "ACCEPTED":
        raise rules.EventNotYours(event=body.eventType)
    return await _answer(actor, session, ledger_id, now, provider_pid, body, ACCEPTING)


def _answered(path: str, summary: str, move: ConsumerMove, shape: type[shapes.PidsMessage]) -> None:
    """The route of a message that is an event of the contract."""

    async def answer(
        actor: ConcludeContract,
        session: Deciding,
        ledger_id: LedgerId,
        now: Now,
        provider_pid: UUID,
        body: shape,  # type: ignore[valid-type] # each route has a message of its own
    ) -> Any:
        return await _answer(actor, session, ledger_id, now, provider_pid, body, move)

    router.post(
        f"/negotiations/{{provider_pid}}/{path}",
        name=f"{move.event}_negotiation",
        summary=summary,
        response_model=ContractNegotiation,
    )(answer)


_answered(
    "agreement/verification",
    "Verify the agreement: the buyer's signature",
    VERIFYING,
    shapes.ContractAgreementVerificationMessage,
)
_answered("termination", "Terminate a negotiation", TERMINATING, shapes.ContractNegotiationTerminationMessage)


async def _answer(
    actor: Actor,
    session: Deciding,
    ledger_id: int,
    now: Now,
    contract_id: UUID,
    body: shapes.PidsMessage,
    move: ConsumerMove,
) -> dict[str, Any]:
    reason = _reason(body) if move is TERMINATING else None
    found = await actions.answer(
        session, actor, contract_id, move, pids=body.pids, reason=reason, ledger_id=ledger_id, now=now
    )
    return _negotiation(found)


@router.post(
    "/transfers/request",
    status_code=201,
    summary="Request the data of an agreement",
    response_model=TransferProcessShown,
)
async def request_transfer(
    actor: UseContract,
    request: Request,
    session: Deciding,
    ledger_id: LedgerId,
    now: Now,
    body: shapes.TransferRequestMessage,
) -> Any:
    """A message with a `consumerPid` that is known already is answered with the transfer that it began."""
    await _check_callback(request, body.callbackAddress)
    row = await transfer_actions.request_transfer(
        session,
        actor,
        ledger_id,
        contract_id=body.agreementId,
        consumer_pid=body.consumerPid,
        callback_address=body.callbackAddress,
        wanted=body.format,
        now=now,
    )
    return await _transfer(session, row, now)


@router.get(
    "/transfers/{transfer_pid:uuid}",
    summary="A transfer of yours",
    response_model=TransferProcessShown,
    responses=REFUSED,
)
async def get_transfer_process(actor: ReadMarket, session: Reading, now: Now, transfer_pid: UUID) -> Any:
    row = await transfer_queries.get_transfer(session, transfer_pid, visible_to=actor)
    return await _transfer(session, _own(actor, row), now)


def _moved(path: str, event: TransferProcessEvent, shape: type[shapes.PidsMessage]) -> None:
    """The route of a consumer's message that moves its transfer."""

    async def move(
        actor: UseContract,
        session: Deciding,
        now: Now,
        transfer_pid: UUID,
        body: shape,  # type: ignore[valid-type] # each route has a message of its own
    ) -> Any:
        return await _move(actor, session, now, transfer_pid, body, event)

    router.post(
        f"/transfers/{{transfer_pid}}/{path}",
        name=f"{event}_transfer",
        summary=f"{event.capitalize()} a transfer",
        response_model=TransferProcessShown,
    )(move)


_moved("start", TransferProcessEvent.START, shapes.TransferStartMessage)
_moved("completion", TransferProcessEvent.COMPLETE, shapes.TransferCompletionMessage)
_moved("suspension", TransferProcessEvent.SUSPEND, shapes.TransferSuspensionMessage)
_moved("termination", TransferProcessEvent.TERMINATE, shapes.TransferTerminationMessage)


async def _move(
    actor: Actor,
    session: Deciding,
    now: Now,
    transfer_id: UUID,
    body: shapes.PidsMessage,
    event: TransferProcessEvent,
) -> dict[str, Any]:
    """The consumer's message moves its transfer; what is so already is said again."""
    row = _own(actor, await transfer_queries.lock_transfer(session, transfer_id, visible_to=actor))
    rules.check_pids(body.pids, (row.consumer_pid, transfer_id))
    stands = (await transfer_queries.authorisations(session, [row]))[row.contract_id]
    if not is_moved_already(event, row.state, shown_state(row.state, stands, now)):
        reason = _reason(body)
        await transfer_actions.move_transfer(session, actor, row, event, reason=reason, told=True, now=now)
    return await _transfer(session, row, now)


def _own(actor: Actor, row: TransferProcess) -> TransferProcess:
    """Raises NotFound where the actor is not the consumer."""
    if row.buyer_id != actor.participant_id:
        raise NotFound(thing="transfer")
    return row


def _negotiation(found: actions.Found) -> dict[str, Any]:
    row, state = found
    return messages.process("ContractNegotiation", row.contract_id, row.consumer_pid, state=state)


async def _transfer(session: Reading, row: TransferProcess, now: Now) -> dict[str, Any]:
    stands = (await transfer_queries.authorisations(session, [row]))[row.contract_id]
    state = shown_state(row.state, stands, now).upper()
    return messages.process("TransferProcess", row.id, row.consumer_pid, state=state)


def _reason(body: shapes.PidsMessage) -> str:
    if isinstance(body, shapes.ReasonedMessage):
        return rules.reason_of(body.code, body.reason)
    return rules.UNREASONED


async def _check_callback(request: Request, url: str) -> None:
    """Raises AddressMalformed, AddressClosed, AddressUnknown, NamesNotResolved."""
    sender: Sender = request.app.state.sender
    await open_address(url, sender.networks, sender.resolve)


def _public_url(request: Request) -> str:
    url: str = request.app.state.settings.public_url
    return url
