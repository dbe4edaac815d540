"""Names by ids: each kind by the rule by which its own room shows it, all in one statement.

A connection plans it once, for any caller: to plan its arms takes five times as long as to answer.
"""

# ruff: noqa: S608 - every part of the statement is a constant of this module

from collections.abc import Sequence
from contextlib import suppress
from uuid import UUID

from datamarket.auth.terms import Actor, Permission
from datamarket.foundation.db import Database
from datamarket.statistics.names.terms import Name, NamedKind
from datamarket.subsidy.runs.rules import PUBLIC
from datamarket.subsidy.runs.terms import RunState
from datamarket.zones.resources.rules import PUBLIC_STATES

MOST = 100
"""Ids of one question; no two things have the same."""
_ASKED = (
    ("ids", "uuid[]"),
    ("words", "text[]"),
    ("me", "uuid"),
    ("account", "uuid"),
    ("sees_all", "bool"),
    ("reads_market", "bool"),
    ("reviews", "bool"),
    ("reads_subsidy", "bool"),
    ("reads_accounts", "bool"),
)
"""What the statement is asked with, in this order: the ids, and who asks."""
_DAY = "to_char(t.{} AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM-DD')"
_PARTIES = ":reads_market AND (:sees_all OR :me IN (t.provider_id, t.buyer_id))"
_ENTERPRISE = ":reads_market AND (:sees_all OR t.enterprise_id = :me)"
_SOLD = "EXISTS (SELECT FROM listing l WHERE l.{} AND l.state = 'published')"
_PRODUCT = "JOIN product p ON p.id = {}.product_id"
_SCHEME = "JOIN scheme s ON s.id = {}.scheme_id"


def _either_of(words: Sequence[str]) -> str:
    return ", ".join(f"'{word}'" for word in words)


def _labels(at: int) -> str:
    return " ".join(f"WHEN '{state}' THEN '{state.labels[at]}'" for state in RunState)


def _arm(kind: NamedKind, of: str, path: str, names: tuple[str, str], seen: str) -> str:
    """One kind: where it stands, what it is called, and when this caller may read it."""
    zh, en = names
    ids = ":words" if kind is NamedKind.SCHEME else ":ids"
    return (
        f"SELECT t.id::text AS id, '{kind}' AS kind, {path} AS path, {zh} AS name_zh, {en} AS name_en"
        f" FROM {of} WHERE t.id = ANY ({ids}) AND ({seen})"
    )


def _own(kind: NamedKind, seen: str) -> str:
    """One that has both its names itself, and a path of its own."""
    return _arm(kind, f"{kind} t", f"'/{kind}s/' || t.id", ("t.name_zh", "t.name_en"), seen)


def _numbered(statement: str) -> str:
    for number, (name, kind) in enumerate(_ASKED, 1):
        statement = statement.replace(f":{name}", f"${number}::{kind}")
    return statement


_NAMES = _numbered(
    " UNION ALL ".join(
        [
            _own(
                NamedKind.PARTICIPANT,
                f":reads_market OR {_SOLD.format('provider_id = t.id')}"
                " OR EXISTS (SELECT FROM zone z WHERE z.operator_id = t.id)"
                " OR EXISTS (SELECT FROM venue v WHERE v.operator_id = t.id)"
                f" OR EXISTS (SELECT FROM resource r WHERE r.supplying_unit_id = t.id AND r.state IN ({_either_of(PUBLIC_STATES)}))",
            ),
            _own(NamedKind.ZONE, "true"),
            _own(NamedKind.VENUE, "true"),
            _own(
                NamedKind.RESOURCE,
                f"t.state IN ({_either_of(PUBLIC_STATES)}) OR :sees_all OR t.supplying_unit_id = :me"
                " OR EXISTS (SELECT FROM zone z WHERE z.id = t.zone_id AND z.operator_id = :me)",
            ),
            _own(
                NamedKind.PRODUCT,
                "t.approved IS NOT NULL OR :sees_all OR t.maker_id = :me OR :reviews AND EXISTS (SELECT FROM product_version v"
                " WHERE v.product_id = t.id AND v.state <> 'draft')",
            ),
            _own(
                NamedKind.LISTING,
                "t.state = 'published' OR :sees_all OR t.provider_id = :me"
                " OR EXISTS (SELECT FROM venue v WHERE v.id = t.venue_id AND v.operator_id = :me)",
            ),
            _arm(
                NamedKind.MANDATE,
                "mandate t JOIN zone z ON z.id = t.zone_id",
                "'/zones/' || z.id || '/mandates'",
                (
                    "z.name_zh || '授权 ' || t.term_from || ' 至 ' || t.term_to",
                    "z.name_en || ', mandate ' || t.term_from || ' to ' || t.term_to",
                ),
                "true",
            ),
            _arm(
                NamedKind.SCENARIO,
                "scenario t",
                "'/zones/' || t.zone_id || '/scenarios'",
                ("t.name_zh", "t.name_en"),
                "true",
            ),
            _arm(NamedKind.QUOTE, "quote t", "'/quotes/' || t.id", ("t.number", "t.number"), _PARTIES),
            _arm(
                NamedKind.CONTRACT,
                f"contract t {_PRODUCT.format('t')}",
                "'/contracts/' || t.id",
                ("'合同 ' || p.name_zh", "'Contract: ' || p.name_en"),
                _PARTIES,
            ),
            _arm(
                NamedKind.ORDER,
                f"trade_order t JOIN contract c ON c.id = t.contract_id {_PRODUCT.format('c')}",
                "'/orders/' || t.id",
                tuple(f"p.name_{tongue} || ' ' || {_DAY.format('placed_at')}" for tongue in ("zh", "en")),  # type: ignore[arg-type]
                _PARTIES,
            ),
            _arm(
                NamedKind.TRADE,
                f"trade t {_PRODUCT.format('t')}",
                "'/trades/' || t.id",
                tuple(f"p.name_{tongue} || ' ' || {_DAY.format('occurred_at')}" for tongue in ("zh", "en")),  # type: ignore[arg-type]
                _PARTIES,
            ),
            _arm(
                NamedKind.SCHEME,
                "scheme t",
                "CASE WHEN :reads_subsidy THEN '/subsidy/schemes/' || t.id || '/versions' WHEN :reads_market THEN '/subsidy/calls'"
                " ELSE '/subsidy/awards?year=' || (SELECT max(r.year) FROM subsidy_run r WHERE r.scheme_id = t.id"
                f" AND r.state IN ({_either_of(PUBLIC)})) || '&scheme=' || t.id END",
                ("t.title_zh", "t.title_en"),
                ":reads_subsidy OR EXISTS (SELECT FROM subsidy_run r WHERE r.scheme_id = t.id"
                f" AND r.state IN ({_either_of(PUBLIC)})) OR :reads_market AND EXISTS (SELECT FROM subsidy_call c WHERE c.scheme_id = t.id)",
            ),
            _arm(
                NamedKind.RUN,
                f"subsidy_run t {_SCHEME.format('t')}",
                "CASE WHEN :reads_subsidy THEN '/subsidy/runs/' || t.id"
                " ELSE '/subsidy/awards?year=' || t.year || '&scheme=' || s.id END",
                (
                    f"s.title_zh || ' ' || t.year || '（' || CASE t.state {_labels(0)} END || '）'",
                    f"s.title_en || ' ' || t.year || ' (' || CASE t.state {_labels(1)} END || ')'",
                ),
                f":reads_subsidy OR t.state IN ({_either_of(PUBLIC)})",
            ),
            _arm(
                NamedKind.CALL,
                f"subsidy_call t {_SCHEME.format('t')}",
                "'/subsidy/calls/' || t.id",
                ("s.title_zh || ' ' || t.year", "s.title_en || ' ' || t.year"),
                ":reads_market",
            ),
            _arm(
                NamedKind.APPLICATION,
                f"subsidy_application t JOIN subsidy_call c ON c.id = t.call_id {_SCHEME.format('c')}"
                " JOIN participant e ON e.id = t.enterprise_id",
                "'/subsidy/applications/' || t.id",
                (
                    "e.name_zh || '：' || s.title_zh || ' ' || c.year",
                    "e.name_en || ': ' || s.title_en || ' ' || c.year",
                ),
                _ENTERPRISE,
            ),
            _arm(
                NamedKind.CASE,
                "subsidy_case t",
                "'/subsidy/cases/' || t.id",
                ("t.title_zh", "t.title_en"),
                f"{_ENTERPRISE} OR :reads_market AND EXISTS (SELECT FROM subsidy_case_share h WHERE h.case_id = t.id AND h.enterprise_id = :me)",
            ),
            _arm(
                NamedKind.PAPER,
                "subsidy_paper t",
                "'/subsidy/papers/' || t.id",
                ("t.name", "t.name"),
                ":reads_market AND (:sees_all OR t.owner_id = :me)",
            ),
            _arm(
                NamedKind.ACCOUNT,
                "account t",
                "CASE WHEN :reads_accounts THEN '/accounts' ELSE '/auth/me' END",
                ("t.username", "t.username"),
                ":reads_accounts OR :sees_all OR t.id = :account",
            ),
        ]
    )
    + f" LIMIT {MOST}"
)


async def names_of(database: Database, ids: Sequence[str], *, visible_to: Actor | None) -> list[Name]:
    """In no order; an id that is none, or of what this caller may not read, is left out."""

    def may(permission: Permission) -> bool:
        return visible_to is not None and visible_to.may(permission)

    asked = (
        list(_uuids(ids)),
        list(ids),
        visible_to and visible_to.participant_id,
        visible_to and visible_to.account_id,
        visible_to is not None and visible_to.sees_all,
        may(Permission.READ_MARKET),
        may(Permission.REVIEW_PRODUCT),
        may(Permission.READ_SUBSIDY),
        may(Permission.READ_ACCOUNTS),
    )
    async with database.connection() as connection, connection.transaction(readonly=True):
        await connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        rows = await connection.fetch(_NAMES, *asked)
    return [Name(row["id"], NamedKind(row["kind"]), *list(row.values())[2:]) for row in rows]


def _uuids(ids: Sequence[str]) -> set[UUID]:
    found = set()
    for one in ids:
        with suppress(ValueError):
            found.add(UUID(one))
    return found
