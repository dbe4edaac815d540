"""Words of a negotiation: what may differ between two versions, and how it is said."""

from typing import NamedTuple

from datamarket.contracts.kinds.terms import ContractClause


class Difference(NamedTuple):
    """What a version changes of the one before, in words."""

    clause: ContractClause
    before_zh: str
    before_en: str
    after_zh: str
    after_en: str
