"""Messages as consumers write them, and what they are answered, refusals too: names and types are the protocol's."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from fastapi import Request, Response
from pydantic import AfterValidator, ConfigDict, Field, StringConstraints

from datamarket.dataspace.terms import CONTEXT, FORMAT, NegotiationState
from datamarket.foundation.http import Body, MarketRoute, Prose, Shape, ShortText
from datamarket.foundation.inputs.requests import ReadRequest, RequestReader
from datamarket.foundation.inputs.texts import ValueFault, check_line

ConsumerPid = Annotated[
    str,
    StringConstraints(min_length=1, max_length=255, pattern=r"^[\x21-\x7e]+$"),
    AfterValidator(check_line),
]
CallbackAddress = Annotated[
    str,
    StringConstraints(min_length=10, max_length=2000, pattern=r"^[\x21\x22\x24-\x3e\x40-\x7e]+$"),
    AfterValidator(check_line),
]
"""A path is put behind it: it has no query and no fragment."""


def _named(context: list[str]) -> list[str]:
    if CONTEXT[0] not in context:
        raise ValueFault(f"须含 '{CONTEXT[0]}'", f"must contain '{CONTEXT[0]}'")
    return context


Context = Annotated[
    list[ShortText],
    Field(alias="@context", max_length=20, json_schema_extra={"contains": {"const": CONTEXT[0]}}),
    AfterValidator(_named),
]


class Message(Body):
    """What all messages have; what connectors write beside it, such as an `@id` of the message, is passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    context: Context = Field(examples=[CONTEXT])


class LanguageValue(Body):
    """A text in a language, as JSON-LD writes it."""

    value: Prose = Field(alias="@value")
    language: ShortText | None = Field(default=None, alias="@language")


class TypedValue(Body):
    """A JSON-LD value with its type: `{"@value": "100", "@type": "xsd:integer"}`."""

    value: ShortText = Field(alias="@value")
    type: ShortText | None = Field(default=None, alias="@type")


class ConstraintIn(Body):
    """One condition; a number is text, or a typed value."""

    leftOperand: ShortText  # noqa: N815 - the protocol's names, here and below
    operator: ShortText
    rightOperand: TypedValue | ShortText | list[ShortText | TypedValue]  # noqa: N815
    unit: Literal["CNY"] | None = None


class RuleIn(Body):
    """What is permitted, forbidden or owed, and under which constraints."""

    action: ShortText
    constraint: list[ConstraintIn] = Field(default_factory=list, max_length=20)


class PolicyIn(Body):
    """An offer as a consumer writes it: `@id` is the catalogue's, `target` the dataset's."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "@id": "urn:uuid:018fdc6e-0c00-7000-8000-000000000001#industry",
                    "@type": "Offer",
                    "target": "urn:uuid:018fdc6e-0c00-7000-8000-000000000001",
                    "permission": [{"action": "use"}],
                }
            ]
        }
    )
    id: ShortText = Field(alias="@id")
    type: Literal["Offer"] = Field(alias="@type")
    target: ShortText | None = None
    assigner: ShortText | None = None
    assignee: ShortText | None = None
    permission: list[RuleIn] = Field(min_length=1, max_length=20)
    prohibition: list[RuleIn] = Field(default_factory=list, max_length=20)
    obligation: list[RuleIn] = Field(default_factory=list, max_length=20)


class PidsMessage(Message):
    """A message about a process that both sides have a name for."""

    providerPid: UUID  # noqa: N815
    consumerPid: ConsumerPid = Field(examples=["urn:uuid:018fdc6e-0c00-7000-8000-00000000000c"])  # noqa: N815

    @property
    def pids(self) -> tuple[str, UUID]:
        return self.consumerPid, self.providerPid


class ReasonedMessage(PidsMessage):
    code: ShortText | None = None
    reason: list[Prose | LanguageValue] | None = Field(default=None, min_length=1, max_length=20)


class CatalogRequestMessage(Message):
    """The market filters by words at `/listings`; here a filter is refused unless it is empty."""

    type: Literal["CatalogRequestMessage"] = Field(alias="@type")
    filter: list[Any] = Field(default_factory=list, max_length=0)


class ContractRequestMessage(Message):
    """The first one: it names where the provider's messages go."""

    type: Literal["ContractRequestMessage"] = Field(alias="@type")
    consumerPid: ConsumerPid = Field(examples=["urn:uuid:018fdc6e-0c00-7000-8000-00000000000c"])  # noqa: N815
    offer: PolicyIn
    callbackAddress: CallbackAddress = Field(examples=["https://connector.example.cn/dsp"])  # noqa: N815


class CounterOfferMessage(PidsMessage):
    """Another offer in a negotiation that runs."""

    type: Literal["ContractRequestMessage"] = Field(alias="@type")
    offer: PolicyIn


class ContractNegotiationEventMessage(PidsMessage):
    """A consumer accepts; that it is finalized is the provider's to say."""

    type: Literal["ContractNegotiationEventMessage"] = Field(alias="@type")
    eventType: Literal["ACCEPTED", "FINALIZED"]  # noqa: N815


class ContractAgreementVerificationMessage(PidsMessage):
    type: Literal["ContractAgreementVerificationMessage"] = Field(alias="@type")


class ContractNegotiationTerminationMessage(ReasonedMessage):
    type: Literal["ContractNegotiationTerminationMessage"] = Field(alias="@type")


class TransferRequestMessage(Message):
    """`agreementId` is the agreement's `@id`; data are pulled, so no address of the consumer's is taken."""

    type: Literal["TransferRequestMessage"] = Field(alias="@type")
    consumerPid: ConsumerPid = Field(examples=["urn:uuid:018fdc6e-0c00-7000-8000-00000000000c"])  # noqa: N815
    agreementId: UUID  # noqa: N815
    format: ShortText = Field(examples=[FORMAT])
    callbackAddress: CallbackAddress = Field(examples=["https://connector.example.cn/dsp"])  # noqa: N815


class TransferStartMessage(PidsMessage):
    type: Literal["TransferStartMessage"] = Field(alias="@type")


class TransferCompletionMessage(PidsMessage):
    type: Literal["TransferCompletionMessage"] = Field(alias="@type")


class TransferSuspensionMessage(ReasonedMessage):
    type: Literal["TransferSuspensionMessage"] = Field(alias="@type")


class TransferTerminationMessage(ReasonedMessage):
    type: Literal["TransferTerminationMessage"] = Field(alias="@type")


class LinkedData(Shape):
    """What the protocol's answers have in common."""

    context: list[str] = Field(alias="@context")
    type: str = Field(alias="@type")


class ContractNegotiation(LinkedData):
    """A negotiation as both sides name it."""

    providerPid: str  # noqa: N815
    consumerPid: str  # noqa: N815
    state: NegotiationState


class TransferProcessShown(LinkedData):
    """A transfer as both sides name it: `TransferProcess`."""

    providerPid: str  # noqa: N815
    consumerPid: str  # noqa: N815
    state: Literal["REQUESTED", "STARTED", "SUSPENDED", "COMPLETED", "TERMINATED"]


class DatasetShown(Shape):
    """A published listing: DCAT, with ODRL offers."""

    context: list[str] | None = Field(default=None, alias="@context")
    id: str = Field(alias="@id")
    type: str = Field(alias="@type")
    title: list[dict[str, str]]
    hasPolicy: list[dict[str, Any]]  # noqa: N815
    distribution: list[dict[str, str]]


class CatalogueShown(LinkedData):
    """A page of the catalogue, newest first; the next one stands in the header `Link`."""

    id: str = Field(alias="@id")
    participantId: str  # noqa: N815
    service: list[dict[str, str]]
    dataset: list[DatasetShown] | None = None


class DataspaceRefusal(LinkedData):
    """CatalogError, ContractNegotiationError or TransferError: `code` is the market's own, `reason` says it to people.

    A pid that is not known is empty; of the catalogue there is none.
    """

    providerPid: str | None = None  # noqa: N815
    consumerPid: str | None = None  # noqa: N815
    code: str = Field(examples=["contract.offer-out-of-turn"])
    reason: list[str]


class ProtocolVersionOut(Shape):
    """One version of the protocol that is spoken here."""

    version: str
    path: str
    binding: str


class ProtocolVersionsOut(Shape):
    """The version document."""

    protocolVersions: list[ProtocolVersionOut]  # noqa: N815


_ERRORS = {
    "catalog": "CatalogError",
    "negotiations": "ContractNegotiationError",
    "transfers": "TransferError",
}


class MessageReader(RequestReader):
    """Keeps the message at hand: a refusal names the consumer's pid."""

    async def read(self, request: ReadRequest) -> ReadRequest:
        read = await super().read(request)
        read.state.message = getattr(read, "_json", None)
        return read


class MessageRoute(MarketRoute):
    """The protocol knows 400 and 404 for what is wrong with a message; who may not call, or not now, is told as everywhere."""

    statuses: ClassVar = {409: 400, 412: 400, 422: 400}

    def __init__(self, *arguments: Any, **options: Any) -> None:
        options["openapi_extra"] = {"x-refused-as": "DataspaceRefusal"}
        super().__init__(*arguments, **options)

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]
        handle = super().get_route_handler()
        self.reader = MessageReader(self)
        return handle

    def refusal(self, request: Request, problem: dict[str, Any]) -> dict[str, Any]:
        """The problem document's code and sentences as an error message."""
        kind = next(part for part in self.path.split("/") if part in _ERRORS)
        said = {"@context": CONTEXT, "@type": _ERRORS[kind]}
        if kind != "catalog":
            message = getattr(request.state, "message", None)
            consumer = message.get("consumerPid") if isinstance(message, dict) else None
            provider = request.path_params.get("provider_pid", "")
            said |= {
                "providerPid": str(provider),
                "consumerPid": consumer if isinstance(consumer, str) else "",
            }
        reasons = [f"{fault['pointer']}: {fault['message']}" for fault in problem["errors"]]
        return {**said, "code": problem["code"], "reason": [problem["detail"], *reasons]}
