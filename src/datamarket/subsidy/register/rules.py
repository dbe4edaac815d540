"""The life of a scheme version."""

from collections.abc import Mapping

from datamarket.subsidy.register.terms import SchemeEvent, SchemeState

SCHEME_EVENTS: Mapping[tuple[SchemeState, SchemeEvent], SchemeState] = {
    (SchemeState.DRAFT, SchemeEvent.APPROVE): SchemeState.APPROVED,
    (SchemeState.DRAFT, SchemeEvent.RETIRE): SchemeState.RETIRED,
    (SchemeState.APPROVED, SchemeEvent.RETIRE): SchemeState.RETIRED,
}
