"""What may be known of a candidate (facts), and what a clause may demand of it (predicates).

A scheme names both; it cannot define either. Whatever touches the ledger (what counts as turnover,
who is related, what is a valid case) stands here under a name and a version.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from datamarket.subsidy.terms import Facts, Unit

EVERY_UNIT = frozenset(Unit)
ENTERPRISE = frozenset({Unit.ENTERPRISE})
PROJECT = frozenset({Unit.PROJECT})


class FactKind(StrEnum):
    """How a fact is written: yuan text in files and fen inside, whole number, instant, true or false."""

    MONEY = "fen"
    COUNT = "count"
    INSTANT = "instant"
    TRUTH = "truth"


@dataclass(frozen=True, slots=True)
class Fact:
    """A named, versioned figure; `parts` are facts shown beside it when known; only a `signed` amount may be negative."""

    name: str
    kind: FactKind
    units: frozenset[Unit]
    zh: str
    en: str
    about_zh: str
    about_en: str
    parts: tuple[str, ...] = ()
    signed: bool = False
    version: int = 1


@dataclass(frozen=True, slots=True)
class Observation:
    """What a predicate saw; `ok` is None when the fact is not known: then a person decides."""

    ok: bool | None
    observed: str


@dataclass(frozen=True, slots=True)
class Predicate:
    """A named, versioned condition over facts; OR and NOT live inside `test`, never in a scheme."""

    name: str
    needs: tuple[str, ...]
    units: frozenset[Unit]
    test: Callable[[Facts], Observation]
    zh: str
    en: str
    version: int = 1


def _truth(name: str, units: frozenset[Unit], zh: str, en: str, *, of: str, wanted: bool = True) -> Predicate:
    """The condition that one fact is true, or that it is false."""

    def test(facts: Facts) -> Observation:
        seen = facts.get(of)
        if not isinstance(seen, bool):
            return Observation(None, f"{of}=missing")
        return Observation(seen is wanted, f"{of}={'true' if seen else 'false'}")

    return Predicate(name, (of,), units, test, zh, en)


FACTS: Mapping[str, Fact] = {
    fact.name: fact
    for fact in (
        Fact(
            "net_platform_turnover",
            FactKind.MONEY,
            ENTERPRISE,
            "净交易额",
            "net traded amount",
            "本年度在合格平台上作为卖方结算的交易额，减退款，减关联交易，减已确认疑点所涉交易；可以为负。",
            "Settled sales of the year on qualified venues, less refunds, related-party trades and those of confirmed flags; may be negative.",
            parts=("refunds", "related_party_turnover", "flagged_turnover"),
            signed=True,
        ),
        Fact(
            "refunds",
            FactKind.MONEY,
            ENTERPRISE,
            "退款",
            "refunds",
            "已从净交易额中减去的退款。",
            "Refunds already taken off the net traded amount.",
        ),
        Fact(
            "related_party_turnover",
            FactKind.MONEY,
            ENTERPRISE,
            "关联交易",
            "related-party trades",
            "已从净交易额中减去的关联交易。",
            "Related-party trades already taken off the net traded amount.",
        ),
        Fact(
            "flagged_turnover",
            FactKind.MONEY,
            ENTERPRISE,
            "已确认疑点所涉交易",
            "trades of confirmed flags",
            "已从净交易额中减去的、经核查确认有诚信疑点的交易。",
            "Trades of integrity flags that were confirmed, already taken off the net traded amount.",
        ),
        Fact(
            "verified_investment",
            FactKind.MONEY,
            PROJECT,
            "经核定的项目投资额",
            "verified project investment",
            "审计核定的项目投资额，减已确认疑点所涉投资额。",
            "The project's investment as verified by audit, less what confirmed flags are about.",
            parts=("flagged_investment",),
        ),
        Fact(
            "flagged_investment",
            FactKind.MONEY,
            PROJECT,
            "已确认疑点所涉投资额",
            "investment of confirmed flags",
            "已从经核定的项目投资额中减去的、经核查确认重复申报或缺少依据的部分。",
            "What was confirmed as claimed twice or without support, already taken off the verified investment.",
        ),
        Fact(
            "contracts",
            FactKind.COUNT,
            EVERY_UNIT,
            "合同数",
            "number of contracts",
            "本年度有结算的授权使用合同数。",
            "Authorised-use contracts with a settlement in the year.",
        ),
        Fact(
            "first_settled",
            FactKind.INSTANT,
            EVERY_UNIT,
            "首笔结算时间",
            "first settlement",
            "本年度首笔结算的时间。",
            "The instant of the year's first settlement.",
        ),
        Fact(
            "submitted_at",
            FactKind.INSTANT,
            EVERY_UNIT,
            "申报受理时间",
            "accepted submission",
            "申报被受理的时间，先到先得时以此排序。",
            "The instant the application was accepted; it orders first come, first served.",
        ),
        Fact(
            "registered_in_city",
            FactKind.TRUTH,
            EVERY_UNIT,
            "本市注册",
            "registered in the city",
            "企业在期末于本市注册。",
            "The enterprise is registered in the city at the end of the period.",
        ),
        Fact(
            "suspended",
            FactKind.TRUTH,
            EVERY_UNIT,
            "被暂停",
            "suspended",
            "企业的市场资格在期末被暂停，或被列为失信。",
            "The enterprise's admission is suspended at the end of the period, or it is listed as untrustworthy.",
        ),
        Fact(
            "case_listed_in_period",
            FactKind.TRUTH,
            PROJECT,
            "案例当期入选",
            "case listed in the period",
            "项目在本年度入选国家级“数据要素×”典型案例名单。",
            "The project entered the national list of “Data Elements ×” typical cases within the year.",
        ),
        Fact(
            "claimed_before",
            FactKind.TRUTH,
            EVERY_UNIT,
            "已享受过",
            "claimed before",
            "同一项目、合同或发票已在其他年度或其他政策中获得资金。",
            "The same project, contract or invoice was already funded in another year or under another policy.",
        ),
    )
}


def _is_enterprise(facts: Facts) -> Observation:
    kind = facts.get(OTHER_KIND)
    return Observation(kind is None, f"kind={kind or 'enterprise'}")


IS_ENTERPRISE = Predicate("is_enterprise", (), EVERY_UNIT, _is_enterprise, "属于企业", "an enterprise")
"""Awards are for enterprises, whatever a clause demands: nobody else is ever eligible."""
PREDICATES: Mapping[str, Predicate] = {
    predicate.name: predicate
    for predicate in (
        IS_ENTERPRISE,
        _truth(
            "registered_in_city", EVERY_UNIT, "在本市注册", "registered in the city", of="registered_in_city"
        ),
        _truth("not_suspended", EVERY_UNIT, "资格未被暂停", "not suspended", of="suspended", wanted=False),
        _truth(
            "case_listed_in_period",
            PROJECT,
            "案例于当期入选国家级名单",
            "case listed nationally in the period",
            of="case_listed_in_period",
        ),
        _truth(
            "not_claimed_before",
            EVERY_UNIT,
            "此前未重复享受",
            "not claimed before",
            of="claimed_before",
            wanted=False,
        ),
    )
}

ENTERPRISE_FACTS = ("registered_in_city", "suspended")  # a project takes these from its enterprise
OTHER_KIND = "other_kind"
"""What a candidate is that is no enterprise; who is one has no such fact."""
