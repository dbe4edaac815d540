#!/usr/bin/env python3
"""Writes docs/glossary.md from the code: the words of each slice, their labels, and the state tables as diagrams."""

import importlib
import re
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from datamarket.auth.terms import PERMISSIONS_OF, ROLE_LABELS
from datamarket.catalogue import rules as catalogue
from datamarket.catalogue.terms import LABELS as CATALOGUE_LABELS
from datamarket.contracts import rules as contracts
from datamarket.contracts import terms as contract_terms
from datamarket.evidence.findings import LABELS as EVIDENCE_LABELS
from datamarket.ledger import rules as ledger
from datamarket.ledger import terms as ledger_terms
from datamarket.ledger.report_tables import DESTINATION_LABELS
from datamarket.participants import rules as participants
from datamarket.participants.terms import LABELS as PARTICIPANT_LABELS
from datamarket.payouts import rules as payouts
from datamarket.payouts.terms import LABELS as PAYOUT_LABELS
from datamarket.subsidy.lifecycle import LABELS as SUBSIDY_LABELS
from datamarket.subsidy.lifecycle import RUN_EVENTS, SCHEME_EVENTS
from datamarket.subsidy.predicates import FACTS, PREDICATES
from datamarket.subsidy.review import FLAG_LABELS
from datamarket.trading.order_rules import ORDER_EVENTS, ORDER_LABELS
from datamarket.trading.terms import STATE_LABELS as TRADE_LABELS
from datamarket.zones import rules as zones
from datamarket.zones.terms import LABELS as ZONE_LABELS

TARGET = Path(__file__).with_name("glossary.md")
SLICES = (
    "auth",
    "accounts",
    "participants",
    "zones",
    "catalogue",
    "contracts",
    "trading",
    "ledger",
    "payouts",
    "subsidy",
    "evidence",
    "statistics",
    "simulation",
    "edge",
)
LABELS: tuple[Mapping[Any, tuple[str, str]], ...] = (
    ROLE_LABELS,
    PARTICIPANT_LABELS,
    ZONE_LABELS,
    CATALOGUE_LABELS,
    {**contract_terms.STATE_LABELS, **contract_terms.PURPOSE_LABELS},
    TRADE_LABELS,
    ORDER_LABELS,
    {**ledger_terms.ACCOUNT_LABELS, **ledger_terms.STATE_LABELS},
    ledger_terms.HOLD_LABELS,
    ledger_terms.TRANSFER_LABELS,
    PAYOUT_LABELS,
    SUBSIDY_LABELS,
    FLAG_LABELS,
    EVIDENCE_LABELS,
    DESTINATION_LABELS,
)
LIVES: tuple[tuple[str, str, Mapping[Any, StrEnum]], ...] = (
    ("Participant", "市场主体", participants.ADMISSION),
    ("Zone", "专区", zones.ZONE_LIFE),
    ("Resource registration", "公共数据资源登记", zones.REGISTRATION),
    ("Venue", "交易平台", catalogue.VENUE_LIFE),
    ("Product version", "产品版本", catalogue.VERSION_LIFE),
    ("Listing", "挂牌", catalogue.LISTING_LIFE),
    ("Contract", "授权使用合同", contracts.CONTRACT_EVENTS),
    ("Order", "订单", ORDER_EVENTS),
    ("Hold", "资金冻结", ledger.HOLD_EVENTS),
    ("Accounting period", "会计期间", ledger.PERIOD_EVENTS),
    ("Transfer between cities", "城际划转", ledger.TRANSFER_EVENTS),
    ("Payout batch", "出款批次", payouts.BATCH_LIFE),
    ("Payout", "出款", payouts.PAYOUT_LIFE),
    ("Scheme version", "方案版本", SCHEME_EVENTS),
    ("Subsidy run", "补贴运行", RUN_EVENTS),
)
_WORD = re.compile(r"(?<![A-Za-z-])([a-z][a-z -]*?) = ([\u4e00-\u9fff][^·\n]*)")
OPENING = """# Glossary · 词汇表

Written by `docs/make_glossary.py` from the code; a test compares the two. Change the words in `terms.py`,
the states in `rules.py`, then run `.venv/bin/python docs/make_glossary.py`.
本页由代码生成：词汇取自各模块的 `terms.py`，状态图取自 `rules.py`。
"""


def glossary() -> str:
    """The whole page."""
    lines = [OPENING, "## Words of each slice · 各模块词汇\n"]
    lines += _table(("slice", "English", "中文"), _slice_words())
    lines.append("\n## Values and their labels · 取值与标签\n")
    lines += _table(("kind", "value", "English", "中文"), _labelled())
    lines.append("\n## Roles and permissions · 角色与权限\n")
    lines += _table(("role", "中文", "permissions"), _roles())
    lines.append("\n## Facts and conditions of the subsidy · 补贴事实与条件\n")
    lines += _table(("name", "English", "中文", "meaning"), _facts())
    lines.append("\n## State diagrams · 状态图")
    for en, zh, life in LIVES:
        lines += ["", f"### {en} · {zh}", "", "```mermaid", *_diagram(life), "```"]
    return "\n".join(lines) + "\n"


def _table(headings: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    rule = "|".join("---" for _ in headings)
    return (
        [f"| {' | '.join(row)} |" for row in (headings,)]
        + [f"|{rule}|"]
        + [f"| {' | '.join(row)} |" for row in rows]
    )


def _slice_words() -> Iterator[tuple[str, ...]]:
    for name in SLICES:
        page = importlib.import_module(f"datamarket.{name}").__doc__ or ""
        for english, chinese in _WORD.findall(page):
            yield name, english.strip(), chinese.strip()


def _labelled() -> Iterator[tuple[str, ...]]:
    for labels in LABELS:
        for value, (chinese, english) in labels.items():
            yield type(value).__name__, f"`{value}`", english, chinese


def _roles() -> Iterator[tuple[str, ...]]:
    for role, granted in PERMISSIONS_OF.items():
        yield f"`{role}`", ROLE_LABELS[role][0], " ".join(f"`{permission}`" for permission in sorted(granted))


def _facts() -> Iterator[tuple[str, ...]]:
    for fact in FACTS.values():
        yield f"`{fact.name}`", fact.en, fact.zh, f"{fact.about_en} {fact.about_zh}"
    for condition in PREDICATES.values():
        yield f"`{condition.name}`", condition.en, condition.zh, "needs " + ", ".join(condition.needs)


def _diagram(life: Mapping[Any, StrEnum]) -> Iterator[str]:
    """States with their Chinese label; a state that nothing leads to begins, one that nothing leaves ends."""
    chinese = {(type(value), value): zh for labels in LABELS for value, (zh, _) in labels.items()}
    states = list(dict.fromkeys([source for source, _ in life] + list(life.values())))
    begun = next(iter(life))[0]
    yield "stateDiagram-v2"
    for state in states:
        yield f'    state "{state} {chinese.get((type(state), state), "")}" as {_name(state)}'
    yield f"    [*] --> {_name(begun)}"
    for (source, event), target in life.items():
        yield f"    {_name(source)} --> {_name(target)}: {event}"
    for state in states:
        if state not in {source for source, _ in life}:
            yield f"    {_name(state)} --> [*]"


def _name(state: StrEnum) -> str:
    return state.replace("-", "_")


if __name__ == "__main__":
    TARGET.write_text(glossary(), encoding="utf-8")
