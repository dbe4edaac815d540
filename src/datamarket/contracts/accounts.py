"""The ledger accounts that a sale under a contract touches."""

from functools import lru_cache
from typing import NamedTuple

from datamarket.catalogue.listings.terms import Supplier
from datamarket.contracts.terms import FrozenTerms
from datamarket.ledger.terms import AccountKey, AccountKind
from datamarket.participants.terms import IncomeClass


def income_account(ledger_id: int, supplier: Supplier) -> AccountKey:
    """Who keeps a supplying unit's share: the treasury for administrative bodies, else the unit itself.

    财资〔2024〕1号: income of administrative bodies is non-tax revenue; of public institutions it follows
    the local finance rule; of enterprises it is their own.
    """
    if supplier.income_class is IncomeClass.ADMINISTRATIVE:
        return AccountKey(ledger_id, None, AccountKind.TREASURY)
    return AccountKey(ledger_id, supplier.participant_id, AccountKind.SUPPLYING_INCOME)


class Payees(NamedTuple):
    """Who gets which part of a sale, as accounts; suppliers that keep the same account stand twice."""

    vat: AccountKey
    venue_fee: AccountKey
    suppliers: tuple[AccountKey, ...]
    operator: AccountKey | None
    provider: AccountKey


@lru_cache(maxsize=4096)
def payees(ledger_id: int, terms: FrozenTerms) -> Payees:
    """The receivers of every sale under these terms."""
    return Payees(
        AccountKey(ledger_id, None, AccountKind.VAT_PAYABLE),
        AccountKey(ledger_id, terms.venue_operator_id, AccountKind.VENUE_FEE),
        tuple(income_account(ledger_id, supplier) for supplier in terms.suppliers),
        AccountKey(ledger_id, terms.operator_id, AccountKind.OPERATOR_INCOME)
        if terms.operator_id is not None
        else None,
        AccountKey(ledger_id, terms.provider_id, AccountKind.PROVIDER_INCOME),
    )


def accounts_of(ledger_id: int, terms: FrozenTerms) -> list[AccountKey]:
    """Every account that a trade under these terms may post to."""
    to = payees(ledger_id, terms)
    funds = AccountKey(ledger_id, terms.buyer_id, AccountKind.BUYER_FUNDS)
    operator = [to.operator] if to.operator is not None else []
    return [funds, to.vat, to.venue_fee, to.provider, *to.suppliers, *operator]
