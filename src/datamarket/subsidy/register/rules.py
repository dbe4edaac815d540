"""The life of a scheme version."""

from datamarket.foundation.states import Life
from datamarket.subsidy.register.terms import SchemeEvent, SchemeState

SCHEME_LIFE = Life(
    "subsidy",
    "方案版本",
    "Scheme version",
    {
        (SchemeState.DRAFT, SchemeEvent.APPROVE): SchemeState.APPROVED,
        (SchemeState.DRAFT, SchemeEvent.RETIRE): SchemeState.RETIRED,
        (SchemeState.APPROVED, SchemeEvent.RETIRE): SchemeState.RETIRED,
    },
)
