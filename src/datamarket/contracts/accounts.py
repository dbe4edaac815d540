"""The ledger accounts that a sale under a contract touches."""

from uuid import UUID

from datamarket.catalogue.terms import Supplier
from datamarket.contracts.terms import FrozenTerms
from datamarket.ledger.terms import Account, AccountKind
from datamarket.participants.terms import IncomeClass


def income_account(ledger_id: int, supplier: Supplier) -> Account:
    """Who keeps a supplying unit's share: the treasury for administrative bodies, else the unit itself.

    财资〔2024〕1号: income of administrative bodies is non-tax revenue; of public institutions it follows
    the local finance rule; of enterprises it is their own.
    """
    if supplier.income_class is IncomeClass.ADMINISTRATIVE:
        return Account(ledger_id, None, AccountKind.TREASURY)
    return Account(ledger_id, supplier.participant_id, AccountKind.SUPPLYING_INCOME)


def accounts_of(ledger_id: int, terms: FrozenTerms) -> list[Account]:
    """Every account that a trade under these terms may post to."""

    def own(owner: UUID | None, kind: AccountKind) -> Account:
        return Account(ledger_id, owner, kind)

    accounts = [
        own(terms.buyer_id, AccountKind.BUYER_FUNDS),
        own(None, AccountKind.VAT_PAYABLE),
        own(terms.venue_operator_id, AccountKind.VENUE_FEE),
        own(terms.provider_id, AccountKind.PROVIDER_INCOME),
        *(income_account(ledger_id, supplier) for supplier in terms.suppliers),
    ]
    if terms.operator_id is not None:
        accounts.append(own(terms.operator_id, AccountKind.OPERATOR_INCOME))
    return accounts
