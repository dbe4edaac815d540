"""What is on file of a run beside its lines, as sheets that print: who decided when, on what, and what was paid."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from datamarket.foundation.clock import MARKET_ZONE
from datamarket.foundation.spreadsheets.cells import amount
from datamarket.ledger.terms import EntryKind
from datamarket.subsidy.facts.review import Flag
from datamarket.subsidy.runs.terms import RunState
from datamarket.subsidy.scheme.clause import Clause, Tiebreak
from datamarket.subsidy.scheme.dated_values import BEGINNING
from datamarket.subsidy.scheme.vocabulary import FACTS, PREDICATES, FactKind
from datamarket.subsidy.terms import Candidate, FactValue, Unit

if TYPE_CHECKING:
    from datamarket.subsidy.runs.dossier import RunDossier

Headed = tuple[Sequence[tuple[str, str]], Iterable[Sequence[Any]]]
_OFFICERS = (("事项", "event"), ("经办人", "officer"), ("时间（北京）", "at (Beijing)"), ("理由", "reason"))
_PARAMETERS = (
    ("条款", "clause"),
    ("参数", "parameter"),
    ("自", "from"),
    ("值", "value"),
    ("依据", "article"),
)
_INTERPRETATIONS = (
    ("问题", "question"), ("选择", "choice"), ("理由", "reason"), ("来源", "source"),
    ("英文问题", "question (en)"), ("英文选择", "choice (en)"), ("英文理由", "reason (en)"),
)  # fmt: skip
_TAKEN = (("项目", "item"), ("内容", "value"))
_FACTS = (("事实语句", "statement"), ("版本和哈希", "version and sha256"))
_EXCEPTIONS = (
    ("条款", "clause"), ("申报对象", "candidate"), ("名称", "name"), ("名次", "rank"), ("金额（元）", "amount (yuan)"), ("提示", "flag"),
)  # fmt: skip
_RINGS = (("卖方", "seller"), ("买方", "buyer"), ("金额（元）", "amount (yuan)"), ("笔数", "trades"))
_PAYMENTS = (
    ("申报对象", "candidate"), ("企业", "enterprise"), ("名称", "name"), ("事项", "event"),
    ("金额（元）", "amount (yuan)"), ("时间（北京）", "at (Beijing)"), ("分录", "entry"),
)  # fmt: skip
EVENTS = {
    "snapshot": "取数", "calculate": "计算", "submit": "报审", "publicise": "公示", "approve": "批准", "post": "记账",
    "pay": "支付", "settle": "付讫", "close": "办结", "reject": "驳回", "cancel": "取消", "supersede": "替代",
}  # fmt: skip
"""What each event of a run is, in Chinese."""
_WORDS = {
    "half_up": "四舍五入", "half_even": "四舍六入五成双", "down": "舍尾", "period_end": "年末", "period_start": "年初",
    "eligible": "合格者，由后一名递补", "all": "全部，不递补", "include_all": "全部计入", "exclude_all": "全部不计入",
    "stop": "停止计算，由人决定",
}  # fmt: skip
_FLAGS = (
    ("线索", "detector"), ("涉及主体", "members"), ("金额（元）", "amount (yuan)"), ("状态", "state"), ("理由", "reason"),
)  # fmt: skip
_OBJECTIONS = (
    ("提出时间（北京）", "filed at (Beijing)"), ("企业", "enterprise"), ("异议理由", "grounds"), ("状态", "state"),
    ("答复", "answer"), ("决定理由", "decision"),
)  # fmt: skip
_POSTED = {
    EntryKind.SUBSIDY_APPROVED.value: "记账 payable", EntryKind.SUBSIDY_PAID.value: "支付 paid",
    EntryKind.SUBSIDY_FORGONE.value: "不予支付 forgone", EntryKind.SUBSIDY_SET_OFF.value: "抵扣 set off",
}  # fmt: skip


def lines_now(dossier: "RunDossier") -> list[dict[str, Any]]:
    """The lines as they stand, with the names of their enterprises."""
    rows = zip(dossier.lines, dossier.document["lines"], strict=True)
    return [line | {"enterprise_name": row.enterprise_zh} for row, line in rows]


def summary_of(dossier: "RunDossier") -> list[tuple[str, Any]]:
    """What the result rests on."""
    view, run = dossier.view, dossier.view.run
    return [
        ("方案名称 title", f"{dossier.scheme.title.zh} · {dossier.scheme.title.en}"),
        ("方案版本 scheme version", view.scheme_version),
        ("状态 state", " · ".join(RunState(run.state).labels)),
        ("账簿截止时间（北京） cut-off (Beijing)", at_told(run.cutoff)),
        ("公示 publicity", f"{run.publicity_from} – {run.publicity_to}" if run.publicity_from else ""),
        ("计算程序 engine", run.engine_id),
        ("替代的运行 supersedes", str(run.supersedes_id or "")),
        ("取代它的运行 superseded by", str(run.superseded_by_id or "")),
        ("已追回（元） recovered (yuan)", amount(sum(one.amount_fen for one in dossier.followed.recovered))),
    ]


def officers_of(dossier: "RunDossier") -> Headed:
    """Each event with the account whose hand it was; one without a name here is told by its id."""
    rows = (
        (
            f"{EVENTS[event.event]} {event.event}",
            dossier.officers.get(event.actor_id, str(event.actor_id)),
            at_told(event.at),
            event.reason or "",
        )
        for event in dossier.events
    )
    return _OFFICERS, rows


def sheets_of(dossier: "RunDossier") -> Iterator[tuple[str, Sequence[int], Sequence[Headed]]]:
    """Name, widths and tables of each sheet that follows the steps."""
    scheme = dossier.scheme
    values = (row for clause in scheme.clauses for row in _parameters(clause))
    yield "参数 parameters", (44, 34, 14, 44, 24), [(_PARAMETERS, values)]
    told = ((one.question, one.choice, one.why, one.source) for one in scheme.interpretations)
    chosen = (
        (*(words.zh for words in words3), source, *(words.en for words in words3)) for *words3, source in told
    )
    yield "解释 interpretations", (30, 34, 44, 10, 30, 34, 44), [(_INTERPRETATIONS, chosen)]
    yield "快照 snapshot", (34, 34, 24, *[20] * len(FACTS)), _snapshot(dossier)
    yield "异常 exceptions", (44, 24, 24, 10, 20, 60), _exceptions(dossier)
    flagged, objected = dossier.followed.flags, dossier.followed.objections
    yield "线索 flags", (30, 60, 20, 24, 60), [(_FLAGS, flagged)]
    yield "异议 objections", (20, 34, 60, 24, 60, 60), [(_OBJECTIONS, objected)]
    yield "支付 payments", (24, 24, 30, 18, 20, 20, 40), [(_PAYMENTS, _payments(dossier))]


def _parameters(clause: Clause) -> Iterator[tuple[str, str, str, Any, str]]:
    title = f"{clause.title.zh} · {clause.title.en}"
    plain: list[tuple[str, str]] = [("计奖基数 base", FACTS[clause.base].zh)]
    plain += [("条件 condition", f"{PREDICATES[name].zh} · {PREDICATES[name].en}") for name in clause.when]
    if clause.select is not None:
        ties = clause.select.ties
        rule = "、".join(ties.tiebreak) if isinstance(ties, Tiebreak) else ties
        plain += [
            ("排名依据 ranked by", FACTS[clause.select.by].zh),
            ("参与排名 among", clause.select.among),
            ("并列 ties", rule),
        ]
    plain += [("舍入 rounding", clause.round.mode), ("取值日 basis date", clause.rate_basis_date)]
    for name, value in plain:
        yield title, name, "", f"{_WORDS[value]} {value}" if value in _WORDS else value, ""
    top = clause.select.top if clause.select else None
    for label, timeline in (
        ("名额 top", top),
        ("比例 rate", clause.rate),
        ("分档 tiers", clause.tiers),
        ("下限 floor", clause.floor),
        ("上限 cap", clause.cap),
    ):
        for day, stated in timeline.root.items() if timeline else ():
            shown = stated.model_dump(mode="json")
            told: Any = shown["value"] if isinstance(shown, dict) else shown
            if isinstance(stated.value, int) and timeline is not top:
                told = amount(stated.value)
            since = "" if day == BEGINNING else day.isoformat()
            yield title, label, since, str(told) if isinstance(told, list) else told, stated.article or ""


def _snapshot(dossier: "RunDossier") -> list[Headed]:
    taken = dossier.taken
    about = [
        ("快照哈希 snapshot sha256", taken.sha256),
        ("账簿截止时间（北京） cut-off (Beijing)", at_told(taken.cutoff)),
        ("取数时间（北京） taken at (Beijing)", at_told(taken.as_of_recorded)),
        *((f"数量 {name}", count) for name, count in taken.counts.items()),
        *((f"合格平台 venue {venue['venue']}", venue["since"]) for venue in taken.venues),
    ]
    texts = ((name, f"{fact['version']} · {fact['sha256']}") for name, fact in taken.facts.items())
    named = (("申报对象", "candidate"), ("企业", "enterprise"), ("名称", "name"))
    heads = (*named, *((fact.zh, fact.name) for fact in FACTS.values()))
    return [(_TAKEN, about), (_FACTS, texts), (heads, map(_candidate, dossier.candidates))]


def _candidate(candidate: Candidate) -> list[Any]:
    facts = (_fact(fact.kind, candidate.facts.get(name)) for name, fact in FACTS.items())
    return [candidate.id, candidate.enterprise, candidate.name, *facts]


def _fact(kind: FactKind, value: FactValue | None) -> Any:
    if isinstance(value, bool):
        return "是" if value else "否"
    if kind is FactKind.MONEY and isinstance(value, int):
        return amount(value)
    return "" if value is None else value


def _exceptions(dossier: "RunDossier") -> list[Headed]:
    titles = {clause.id: clause.title for clause in dossier.scheme.clauses}
    flagged = (
        (
            f"{titles[row.clause_id].zh} · {titles[row.clause_id].en}",
            row.candidate_id,
            row.name,
            row.rank,
            amount(row.amount_fen),
            "；".join(" · ".join(Flag(flag).labels) for flag in row.flags),
        )
        for row in dossier.lines
        if row.flags
    )
    firms = {
        one.enterprise: f"{one.name}（{one.enterprise}）"
        for one in dossier.candidates
        if one.unit is Unit.ENTERPRISE
    }
    edges = (
        (
            firms.get(edge["seller"], edge["seller"]),
            firms.get(edge["buyer"], edge["buyer"]),
            amount(edge["amount_fen"]),
            edge["trades"],
        )
        for ring in dossier.taken.rings
        for edge in ring["edges"]
    )
    return [(_EXCEPTIONS, flagged), (_RINGS, edges)]


def _payments(dossier: "RunDossier") -> list[tuple[Any, ...]]:
    """What became payable, was paid or refused, and came back: in the order of time."""
    lines = {line.id: line for line in dossier.lines}
    happened = [
        (
            one.line_id,
            _POSTED.get(one.kind, one.kind),
            one.amount_fen,
            at_told(one.posted_at),
            str(one.entry_id),
        )
        for one in dossier.postings
    ]
    happened += [
        (one.line_id, f"退回 refused：{one.told}", one.amount_fen, one.day.isoformat() if one.day else "", "")
        for one in dossier.refused
    ]
    happened += [
        (one.line_id, "追回 recovered", one.amount_fen, at_told(one.at), str(one.entry_id))
        for one in dossier.followed.recovered
    ]
    happened.sort(
        key=lambda one: (one[3][:10], *map(one[1].startswith, ("支付", "退回")))
    )  # the bank told days only
    return [
        (line.candidate_id, line.uscc, line.enterprise_zh, what, amount(fen), at, entry)
        for line_id, what, fen, at, entry in happened
        for line in [lines[line_id]]
    ]


def at_told(at: datetime) -> str:
    return f"{at.astimezone(MARKET_ZONE):%Y-%m-%d %H:%M:%S}"
