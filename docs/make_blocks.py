#!/usr/bin/env python3
"""Writes the parts of pages that the code decides: the paths in docs/api.md, the order of the slices in README.md, the decision
on a use in docs/domain.md."""

import ast
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import get_flat_params
from fastapi.routing import APIRoute

from datamarket.auth.access import permission_of
from datamarket.catalogue.products.terms import DeliveryForm
from datamarket.contracts.decision import USE_RULES, decide_use
from datamarket.contracts.limits.terms import Rate, RatePeriod, UseLimits
from datamarket.contracts.terms import Authorisation, ContractState, Demand, Purpose, UseRule
from datamarket.edge.docs import TAGS
from datamarket.slices import routers
from datamarket.stoppages.terms import LinkKind

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "datamarket"
SENT = {"Idempotency-Key": "key", "If-Match": "tag"}
"""Headers that a path takes, as the table calls them."""


def paths() -> str:
    """A table for each tag, in the order of the interactive reference: path, permission, headers, summary."""
    tables = []
    for tag in (tag["name"] for tag in TAGS):
        rows = [_row(route) for router in routers() if tag in router.tags for route in _routes(router.routes)]
        if rows:
            heading = ["| Path | Permission | Sends | What |", "|---|---|---|---|"]
            tables.append("\n".join([f"**{tag}**", "", *heading, *rows]))
    return "\n\n".join(tables)


def order() -> str:
    """The layers of the import contract, top first, each with the first line of its page; rooms below their slice."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    layered = {made["containers"][0]: made["layers"] for made in contracts["contracts"] if "layers" in made}
    lines = []
    for layer in layered["datamarket"]:
        for place, name in enumerate(layer.split(" | ")):
            said = _first_line(name)
            lines.append(f"{'| ' * bool(place)}{name}".ljust(16) + said)
            if rooms := layered.get(f"datamarket.{name}"):
                lines.append(" " * 16 + "rooms: " + ", ".join(rooms))
    return "\n".join(["```", *lines, "```"])


_AT = datetime(2025, 3, 1, tzinfo=UTC)
_GIVEN = Authorisation(
    ContractState.ACTIVE,
    _AT,
    _AT + timedelta(2),
    frozenset({Purpose.RESEARCH}),
    quota=1,
    used=0,
    terms_number=1,
)
_ASKED = Demand(UUID(int=1), UUID(int=2), Purpose.RESEARCH, 1, _AT, terms_number=1)
SPOILED: dict[UseRule, tuple[Authorisation, Demand]] = {
    UseRule.STATE: (replace(_GIVEN, state=ContractState.SUSPENDED), _ASKED),
    UseRule.TERM: (_GIVEN, _ASKED._replace(at=_GIVEN.term_to)),
    UseRule.CHAIN: (replace(_GIVEN, stopped_by=LinkKind.ZONE, stands_until=_AT), _ASKED),
    UseRule.VERSION: (_GIVEN, _ASKED._replace(terms_number=2)),
    UseRule.PURPOSE: (_GIVEN, _ASKED._replace(purpose=Purpose.PUBLIC_WELFARE)),
    UseRule.FORM: (replace(_GIVEN, limits=UseLimits(forms=frozenset({DeliveryForm.MODEL}))), _ASKED),
    UseRule.TERRITORY: (replace(_GIVEN, limits=UseLimits(territories=("3702",))), _ASKED),
    UseRule.RECIPIENT: (replace(_GIVEN, limits=UseLimits(recipients=frozenset({UUID(int=3)}))), _ASKED),
    UseRule.ONWARD: (replace(_GIVEN, limits=UseLimits(onward=False)), _ASKED),
    UseRule.RATE: (replace(_GIVEN, limits=UseLimits(rate=Rate(1, RatePeriod.DAY)), in_period=1), _ASKED),
    UseRule.QUOTA: (_GIVEN, _ASKED._replace(quantity=2)),
}
"""Of each rule a use that it alone denies."""


def decision() -> str:
    """The truth table of the decision on a use, as the rules decide: a rule behind the one that decides is not asked."""
    rules = list(USE_RULES)
    rows = []
    for given, asked in [*(SPOILED[rule] for rule in rules), (_GIVEN, _ASKED)]:
        decided, refusal = decide_use(given, asked)
        place, last = rules.index(decided), "✗" if refusal else "✓"
        asked_of = ["✓"] * place + [last] + ["–"] * (len(rules) - place - 1)
        outcome = f"`{refusal.code}`" if refusal else "authorised 授权"
        rows.append(f"| {' | '.join(asked_of)} | `{decided}` | {outcome} |")
    heading = " | ".join(f"{rule.en} {rule.zh}" for rule in rules)
    lines = [f"| {heading} | decides 决定 | outcome 结果 |", "|---" * (len(rules) + 2) + "|", *rows]
    return "\n".join(lines)


BLOCKS = {
    "docs/api.md": ("paths", paths),
    "README.md": ("order", order),
    "docs/domain.md": ("decision", decision),
}


def written(page: str) -> str:
    """The page as it should stand: its block new, the rest as it is."""
    name, make = BLOCKS[page]
    before, opening, rest = (
        (ROOT / page).read_text(encoding="utf-8").partition(f"<!-- {name}: `make docs` -->\n")
    )
    _, closing, after = rest.partition(f"\n<!-- end of {name} -->")
    return before + opening + make() + closing + after


def _first_line(name: str) -> str:
    """Of its page; read, not imported: `__main__` would run the command."""
    file = PACKAGE / f"{name}.py"
    page = ast.parse((file if file.exists() else PACKAGE / name / "__init__.py").read_text(encoding="utf-8"))
    return (ast.get_docstring(page) or "").partition("\n")[0]


def _routes(routes: Sequence[object]) -> Iterator[APIRoute]:
    return (route for route in routes if isinstance(route, APIRoute))


def _row(route: APIRoute) -> str:
    asked = [found for inner in _dependencies(route.dependant) if (found := permission_of(inner.call))]
    taken = [field.alias for field in get_flat_params(route.dependant)]
    sends = " · ".join(short for header, short in SENT.items() if header in taken)
    path = f"{'/'.join(sorted(route.methods or ()))} {route.path_format}"
    return f"| `{path}` | {f'`{asked[0]}`' if asked else 'everyone'} | {sends} | {route.summary} |"


def _dependencies(dependant: Dependant) -> Iterator[Dependant]:
    for inner in dependant.dependencies:
        yield inner
        yield from _dependencies(inner)


if __name__ == "__main__":
    for page in BLOCKS:
        text = written(page)
        (ROOT / page).write_text(text, encoding="utf-8")
