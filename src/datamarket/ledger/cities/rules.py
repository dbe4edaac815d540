"""The life of a transfer between two cities, and its refusals, pure."""

from datamarket.foundation.errors import Conflict, Invalid
from datamarket.foundation.states import Life
from datamarket.ledger.cities.terms import TransferEvent, TransferState

TRANSFER_LIFE = Life(
    "ledger",
    "城际划转",
    "Transfer between cities",
    {
        (TransferState.SENT, TransferEvent.RECEIVE): TransferState.RECEIVED,
        (TransferState.RECEIVED, TransferEvent.SETTLE): TransferState.SETTLED,
    },
)


class SameCity(Invalid):
    code = "ledger.same-city"
    zh = "城际划转的收款城市须是另一座城市。"
    en = "A transfer between cities goes to another city."


class TransferReferenceUsed(Conflict):
    code = "ledger.transfer-reference-used"
    zh = "该编号的城际划转已经登记，不会重复划转。"
    en = "A transfer with this reference was made already; it is never made twice."


class CityUnknown(Invalid):
    code = "ledger.city-unknown"
    zh = "本库没有城市 {city} 的账簿。"
    en = "There are no books of the city {city} here."


class OtherCityFirst(Conflict):
    code = "ledger.other-city-first"
    zh = "汇出城市尚未付款；付款城市清算后，收款城市方可清算。"
    en = "The sending city has not paid yet; the receiving one settles after it."
