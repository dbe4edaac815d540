"""The wording of a contract by its kind, and how terms are written into it. Pure; every sentence is the market's own."""

from collections.abc import Iterator, Mapping
from datetime import datetime, time
from hashlib import sha256
from typing import Any, NamedTuple
from uuid import UUID

from datamarket.catalogue.terms import Category
from datamarket.contracts.kinds.terms import ContractClause, ContractKind
from datamarket.contracts.kinds.words import WORDS, in_order, in_words, label_of
from datamarket.foundation.clock import MARKET_ZONE

EDITION = 1
"""Of the wording. Signed digests stand on it: whoever changes a sentence adds an edition, and keeps this one."""
C = ContractClause


class ContractSide(NamedTuple):
    """An organisation as a contract names it: both stay once it was admitted."""

    name_zh: str
    uscc: str


class WrittenContract(NamedTuple):
    """All that a text is made of; nothing of it changes after the request, but for `number` and `terms`."""

    id: UUID
    number: int
    provider: ContractSide
    buyer: ContractSide
    operator: ContractSide | None
    product_name: str
    product_code: str
    product_version: int
    category: Category
    venue_id: UUID
    venue_fee_bps: int
    zone_id: UUID | None
    redevelopment: bool
    terms: Mapping[str, Any]


class KindWording(NamedTuple):
    """What is peculiar to a kind: its title, how the two sides are called, and what they promise each other."""

    title: str
    provider: str
    buyer: str
    promise: str
    own: str = ""


WORDING: Mapping[ContractKind, KindWording] = {
    ContractKind.PROVISION: KindWording(
        "数据提供合同",
        "数据提供方",
        "数据接收方",
        "提供方按本合同把下列数据产品交接收方使用，接收方按本合同付款并使用。",
    ),
    ContractKind.PROCESSING: KindWording(
        "数据委托处理合同",
        "受托方",
        "委托方",
        "委托方请受托方以下列数据产品为其处理数据；受托方只按委托方的要求处理，不另作他用。",
        "处理报酬与成果归属如下；报酬由双方另行支付，不经平台结算。",
    ),
    ContractKind.JOINT_DEVELOPMENT: KindWording(
        "数据融合开发合同",
        "供数方",
        "合作方",
        "双方以下列数据产品共同开发，各自投入，共享所得。",
        "共同开发的收入减去成本后，按下列比例归双方；分配由双方自行办理，不经平台结算。",
    ),
    ContractKind.INTERMEDIARY: KindWording(
        "数据中介服务合同",
        "中介方",
        "委托方",
        "中介方就下列数据产品为委托方寻找交易对方并促成交易。",
        "中介报酬如下，未写明比例或金额的即为无偿；报酬由双方另行支付，不经平台结算。",
    ),
}
ARTICLES: tuple[tuple[str, str, tuple[ContractClause, ...]], ...] = (
    (
        "使用",
        "{buyer}只可为下列目的，在下列期限与用量之内使用；期限为北京时间，含起日，不含止日。未列明的使用不予授权。",
        (
            C.PURPOSES,
            C.USE_CLASS,
            C.TERM_FROM,
            C.TERM_TO,
            C.QUOTA,
            C.TERRITORY,
            C.RECIPIENTS,
            C.PERMITTED_FORM,
            C.FORMS,
            C.TERRITORIES,
            C.RECIPIENT_IDS,
            C.RATE,
        ),
    ),
    ("权利", "各项权利分别授予，以所写范围与限制为准。", (C.RIGHTS, C.ONWARD_TRANSFER)),
    (
        "价款",
        "价款以人民币计，由平台按其公布的规则结算。",
        (C.PRICE_MODEL, C.PRICE_FEN, C.PERIOD_DAYS, C.PRICE_TERMS, C.INSTALMENTS, C.TAX_INCLUDED, C.TAX_BPS),
    ),
    (
        "交付与质量",
        "{provider}按约交付，{buyer}在验收期内验收；不合格的，先行补正。",
        (C.DELIVERY_MODE, C.ACCEPTANCE_DAYS, C.HIDDEN_DEFECT, C.CURE_DAYS, C.PRICE_CUT, C.QUALITY),
    ),
    (
        "安全与留存",
        "{buyer}妥善保管数据；合同结束后删除或返还，并出具证明。",
        (C.SECURITY_LEVEL, C.SECURITY_ENVIRONMENT, C.RETENTION_DAYS, C.AUDIT_RIGHT),
    ),
    ("终止与争议", "终止须依约通知；争议先行协商。", (C.NOTICE_DAYS, C.DISPUTE_FORUM)),
)
OWN = {C(kind): kind for kind in ContractKind if kind is not ContractKind.PROVISION}
SILENT = "未约定，依法律与平台规则"
DEFAULTS: Mapping[ContractClause, str] = {
    C.QUOTA: "不限",
    **dict.fromkeys((C.FORMS, C.TERRITORIES, C.RECIPIENT_IDS, C.RATE), "不限"),
    C.RIGHTS: "未约定，只授予使用权",
    C.TAX_INCLUDED: "未约定，价款含税",
    C.PERIOD_DAYS: "不适用",
    C.PRICE_TERMS: "不适用",
    C.NOTICE_DAYS: "未约定，无须提前通知",
    C.INSTALMENTS: "未约定，一次付清",
    C.HIDDEN_DEFECT: "未约定，验收前使用即视为验收",
}
"""What holds where the annex is silent; all else is as `SILENT` says."""
CLOSING = "双方以电子方式签署本文本。签署记录载明本文本的 SHA-256 摘要，并存入平台的存证日志。"


def text_of(contract: WrittenContract) -> str:
    """The canonical text: one line a value, so that no two contracts are written alike."""
    return "\n".join([*_heading(contract), *_articles(contract)]) + "\n"


def digest_of(text: str) -> str:
    """What a signature keeps of a text: SHA-256 over its UTF-8 bytes, hexadecimal."""
    return sha256(text.encode()).hexdigest()


def _heading(contract: WrittenContract) -> Iterator[str]:
    wording = WORDING[ContractKind(contract.terms["kind"])]
    yield wording.title
    yield f"文本版式：{EDITION}"
    yield f"合同编号：{contract.id}"
    yield f"条款版本：{contract.number}"
    sides = {
        wording.provider: contract.provider,
        wording.buyer: contract.buyer,
        "运营机构": contract.operator,
    }
    for role, side in sides.items():
        if side is not None:
            yield f"{role}：「{side.name_zh}」"
            yield f"{role}统一社会信用代码：{side.uscc}"
    yield f"签约平台：{contract.venue_id}"
    yield f"平台服务费占价款：{in_words('fee_bps', contract.venue_fee_bps)[0]}"


def _articles(contract: WrittenContract) -> Iterator[str]:
    kind, terms = ContractKind(contract.terms["kind"]), contract.terms
    wording = WORDING[kind]
    values = {**terms, **terms["annex"]}
    values.pop("annex")
    values.pop("kind")
    yield from _article(1, "标的", wording.promise)
    yield from _subject(contract)
    number = 1
    for number, (heading, sentence, clauses) in enumerate(ARTICLES, 2):
        yield from _article(number, heading, sentence.format(provider=wording.provider, buyer=wording.buyer))
        for clause in clauses:
            yield from _clause(clause, values.pop(clause, None))
    for clause in OWN:
        if clause in values:
            number += 1
            yield from _article(number, clause.zh, wording.own)
            yield from _clause(clause, values.pop(clause))
    if values:
        number += 1
        yield from _article(number, "其他", "双方另有约定如下。")
        for name in sorted(values):
            yield from _lines(C(name).zh if name in set(C) else name, name, values[name])
    yield from _article(number + 1, "签署", CLOSING)


def _article(number: int, heading: str, sentence: str) -> Iterator[str]:
    yield ""
    yield f"第{number}条 {heading}"
    yield sentence


def _subject(contract: WrittenContract) -> Iterator[str]:
    yield f"产品：「{contract.product_name}」"
    yield f"产品编码：{contract.product_code}"
    yield f"产品版本：{contract.product_version}"
    yield f"产品类别：{contract.category.zh}"
    if contract.zone_id is not None:
        yield f"授权运营专区：{contract.zone_id}"
    yield f"可否再开发：{in_words('redevelopment', contract.redevelopment)[0]}"


def _clause(clause: ContractClause, value: Any) -> Iterator[str]:
    if value is None:
        yield f"{clause.zh}：{DEFAULTS.get(clause, SILENT)}"
    yield from _lines(clause.zh, clause, value)


def _lines(label: str, name: str, value: Any) -> Iterator[str]:
    """Parts and items each on a line of their own; the parties' own words in 「」, which no default has."""
    if isinstance(value, Mapping) and name != C.RATE:
        for part, found in in_order(value):
            yield from _lines(f"{label}·{label_of(part)[0]}", part, found)
    elif isinstance(value, list | tuple):
        for place, one in enumerate(value, 1):
            yield from _lines(f"{label}（{place}）", name, one)
    elif isinstance(value, datetime):
        yield f"{label}：{_day(value)}"
    elif value is not None:
        own_words = isinstance(value, str) and name not in WORDS
        yield f"{label}：「{value}」" if own_words else f"{label}：{in_words(name, value)[0]}"


def _day(at: datetime) -> str:
    """The day in Qingdao, with its time where that is not its first instant."""
    local = at.astimezone(MARKET_ZONE)
    day, clock = f"{local.year}年{local.month}月{local.day}日", local.time()
    return day if clock == time.min else f"{day} {clock.isoformat()}"
