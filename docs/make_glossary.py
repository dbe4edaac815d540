#!/usr/bin/env python3
"""Writes docs/glossary.md from the code: the words of each slice, their labels, and the state tables as diagrams."""

import importlib
import pkgutil
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import datamarket
from datamarket import slices
from datamarket.auth.terms import PERMISSIONS_OF
from datamarket.foundation.states import Labelled
from datamarket.subsidy.scheme.vocabulary import FACTS, PREDICATES

TARGET = Path(__file__).with_name("glossary.md")
SLICES = (
    "auth",
    "accounts",
    "participants",
    "zones",
    "prices",
    "catalogue",
    "contracts",
    "trading",
    "authority",
    "comparisons",
    "ledger",
    "payouts",
    "subsidy",
    "stoppages",
    "evidence",
    "notices",
    "dataspace",
    "statistics",
    "simulation",
    "edge",
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
    lines += _table(("slice or room", "English", "中文"), _slice_words())
    lines.append("\n## Values and their labels · 取值与标签\n")
    lines += _table(("kind", "value", "English", "中文"), _labelled())
    lines.append("\n## Roles and permissions · 角色与权限\n")
    lines += _table(("role", "中文", "permissions"), _roles())
    lines.append("\n## Facts and conditions of the subsidy · 补贴事实与条件\n")
    lines += _table(("name", "English", "中文", "meaning"), _facts())
    lines.append("\n## State diagrams · 状态图")
    for life in slices.lives():
        lines += ["", f"### {life.en} · {life.zh}", "", "```mermaid", *_diagram(life.table), "```"]
    return "\n".join(lines) + "\n"


def _table(headings: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    rule = "|".join("---" for _ in headings)
    return (
        [f"| {' | '.join(row)} |" for row in (headings,)]
        + [f"|{rule}|"]
        + [f"| {' | '.join(row)} |" for row in rows]
    )


def _slice_words() -> Iterator[tuple[str, ...]]:
    """What the page of a slice says, then what its rooms' pages add."""
    rooms = [
        module.name for module in pkgutil.walk_packages(datamarket.__path__, "datamarket.") if module.ispkg
    ]
    for name in SLICES:
        told: set[tuple[str, str]] = set()
        for page in (room for room in rooms if room.split(".")[1] == name):
            for english, chinese in _WORD.findall(importlib.import_module(page).__doc__ or ""):
                word = english.strip(), chinese.strip()
                if word not in told:
                    told.add(word)
                    yield page.removeprefix("datamarket."), *word


def labelled_kinds() -> list[type[Labelled]]:
    """Every closed set of words in the package, slice by slice, in the order they are written."""
    for module in pkgutil.walk_packages(datamarket.__path__, "datamarket."):
        if module.name.split(".")[1] in SLICES:
            importlib.import_module(module.name)
    return sorted(
        Labelled.__subclasses__(),
        key=lambda kind: (SLICES.index(kind.__module__.split(".")[1]), kind.__module__),
    )


def _labelled() -> Iterator[tuple[str, ...]]:
    for kind in labelled_kinds():
        for word in kind:
            yield kind.__name__, f"`{word}`", word.en, word.zh


def _roles() -> Iterator[tuple[str, ...]]:
    for role, granted in PERMISSIONS_OF.items():
        yield f"`{role}`", role.zh, " ".join(f"`{permission}`" for permission in sorted(granted))


def _facts() -> Iterator[tuple[str, ...]]:
    for fact in FACTS.values():
        yield f"`{fact.name}`", fact.en, fact.zh, f"{fact.about_en} {fact.about_zh}"
    for condition in PREDICATES.values():
        yield f"`{condition.name}`", condition.en, condition.zh, "needs " + ", ".join(condition.needs)


def _diagram(life: Mapping[Any, Any]) -> Iterator[str]:
    """States with their Chinese label; a state that nothing leads to begins, one that nothing leaves ends."""
    states = list(dict.fromkeys([source for source, _ in life] + list(life.values())))
    begun = next(iter(life))[0]
    yield "stateDiagram-v2"
    for state in states:
        yield f'    state "{state} {state.zh}" as {_name(state)}'
    yield f"    [*] --> {_name(begun)}"
    for (source, event), target in life.items():
        yield f"    {_name(source)} --> {_name(target)}: {event}"
    for state in states:
        if state not in {source for source, _ in life}:
            yield f"    {_name(state)} --> [*]"


def _name(state: Labelled) -> str:
    return state.replace("-", "_")


if __name__ == "__main__":
    TARGET.write_text(glossary(), encoding="utf-8")
