"""Contracts as text: the same terms are the same bytes however they are kept, and any other term is another digest."""

import json
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from datamarket.contracts.kinds.terms import ContractKind
from datamarket.contracts.text.wording import digest_of, text_of
from tests.world.clauses import written

WORD = st.text(st.characters(categories=("L", "N", "P", "S")), min_size=1, max_size=8)
"""What a clause may say on its one line: whatever the text itself is written with is among it."""
BPS = st.integers(0, 10_000)
RIGHT = st.fixed_dictionaries(
    {"right": st.sampled_from(("holding", "using")), "scope": WORD}, optional={"restrictions": WORD}
)
ANNEXES = st.fixed_dictionaries(
    {},
    optional={
        "territory": WORD,
        "recipients": st.lists(WORD, min_size=1, max_size=3),
        "permitted_form": WORD,
        "acceptance_days": st.integers(0, 365),
        "dispute_forum": WORD,
        "onward_transfer": st.booleans(),
        "rights": st.lists(RIGHT, min_size=1, max_size=2),
        "tax_bps": BPS,
        "quality": st.fixed_dictionaries(
            {"response_ms": st.integers(1, 9)}, optional={"format_error_bps": BPS}
        ),
        "intermediary": st.fixed_dictionaries({}, optional={"fee_bps": BPS, "fee_fen": st.integers(0, 999)}),
    },
)
AT = st.datetimes(datetime(2024, 1, 1), datetime(2026, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - the zone follows
TERMS = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(ContractKind),
        "price_fen": st.integers(0, 10_000),
        "period_days": st.none() | st.integers(1, 40),
        "purposes": st.lists(st.sampled_from(("research", "sector_development")), min_size=1, unique=True),
        "use_class": st.sampled_from(("industry", "public_good")),
        "term_from": AT,
        "term_to": AT,
        "quota": st.none() | st.integers(1, 9),
        "annex": ANNEXES,
    }
)


def told(terms: dict[str, Any]) -> str:
    return text_of(written(ContractKind.PROVISION, **terms))


@given(TERMS)
def test_terms_that_went_through_the_database_are_the_same_bytes(terms: dict[str, Any]) -> None:
    """jsonb keeps no order of keys."""
    kept = json.loads(json.dumps(terms["annex"], sort_keys=True))
    turned = dict(reversed(kept.items()))
    assert told(terms) == told(terms | {"annex": turned})


@given(TERMS, TERMS, st.data())
def test_another_term_is_another_digest(
    first: dict[str, Any], second: dict[str, Any], data: st.DataObject
) -> None:
    """All at once, or one alone."""
    name = data.draw(st.sampled_from(sorted(first)))
    for other in (second, first | {name: second[name]}):
        assert (digest_of(told(first)) == digest_of(told(other))) == (first == other)


@given(ANNEXES, ANNEXES, st.data())
def test_another_clause_is_another_digest(
    first: dict[str, Any], second: dict[str, Any], data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(sorted({*first, *second, "territory"})))
    mixed = {key: value for key, value in first.items() if key != name} | {
        key: value for key, value in second.items() if key == name
    }
    same = told({"annex": first}) == told({"annex": mixed})
    assert same == (first == mixed)
