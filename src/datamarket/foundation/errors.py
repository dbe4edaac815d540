"""Families of refusals. A slice subclasses one beside the function that raises it.

Each has a stable dotted `code` and one sentence in Chinese and in English; `{names}` in a sentence
are the facts given when it is raised; a fact with labels of its own (`zh`, `en`) is said by them. Only `edge.problems` knows which HTTP status a family answers with.
"""

from typing import Any, ClassVar, Literal

Language = Literal["zh", "en"]


class MarketError(Exception):
    """The market refuses, and says why. `facts` are shown to the caller: no secret belongs there."""

    code: ClassVar[str]
    zh: ClassVar[str]
    en: ClassVar[str]
    retryable: ClassVar[bool] = False
    pointer: str | None = None
    """Which part of the request it is about, as a JSON pointer; set where one of many is refused."""

    def __init__(self, **facts: Any) -> None:
        self.facts = facts
        super().__init__(f"{self.code}: {self.sentence('en')}")

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "code" in cls.__dict__:
            KNOWN_ERRORS[cls.code] = cls

    def sentence(self, language: Language) -> str:
        """The refusal in one sentence, in the reader's language."""
        said = {name: getattr(fact, language, fact) for name, fact in self.facts.items()}
        return (self.zh if language == "zh" else self.en).format(**said)

    def told(self) -> dict[str, Any]:
        """The refusal as one outcome among others."""
        return {"code": self.code, "zh": self.sentence("zh"), "en": self.sentence("en")}


KNOWN_ERRORS: dict[str, type[MarketError]] = {}


class Invalid(MarketError):
    """The request itself is wrong: another form of it may pass."""


class Unauthenticated(MarketError):
    """Who calls is not known."""

    token_sent: ClassVar[bool] = False
    """Whether a token was sent, and is no good."""


class Forbidden(MarketError):
    """Who calls may never do this."""


class NotFound(MarketError):
    """It is not there, or not yours: the two look the same from outside."""

    code = "not-found"
    zh = "未找到该{thing_zh}，或您无权查看。"
    en = "There is no such {thing_en}, or it is not yours to see."

    def __init__(self, *, thing: str | None = None, **facts: Any) -> None:
        named = {"thing_zh": THINGS_ZH.get(thing, "对象"), "thing_en": thing} if thing else {}
        super().__init__(**named, **facts)


THINGS_ZH = {
    "account": "账户",
    "affiliation": "控制关系",
    "application": "奖补申报",
    "award": "奖补",
    "objection": "异议",
    "outcome": "异议结果",
    "bank account": "银行存款账户",
    "bank line": "银行流水",
    "call": "申报通知",
    "case": "场景案例",
    "ceiling": "上限价格",
    "city transfer": "城际划转",
    "contract": "合同",
    "disposal": "数据处置义务",
    "dispute": "争议",
    "entry": "分录",
    "entry at the bank": "银行存款分录",
    "entry or audit event": "分录或审计事件",
    "event": "事件",
    "hold": "冻结",
    "line": "奖补明细",
    "listing": "挂牌",
    "mandate": "授权",
    "negotiation": "协商",
    "offer": "条款版本",
    "order": "订单",
    "paper": "证明材料",
    "participant": "市场主体",
    "payout": "出款",
    "payout batch": "出款批次",
    "held award": "暂缓的奖补",
    "permitted income": "最高准许收入",
    "price report": "年度价格报告",
    "product": "产品",
    "product version": "产品版本",
    "flag": "诚信疑点",
    "quote": "报价单",
    "recovery": "奖补追回",
    "study": "测算报告",
    "resource": "资源",
    "run": "奖补运行",
    "scenario": "场景",
    "scheme": "方案",
    "scheme version": "方案版本",
    "statement": "对账单",
    "subscription": "订阅",
    "trade": "交易",
    "transfer": "传输进程",
    "use": "使用记录",
    "venue": "交易平台",
    "zone": "专区",
}
"""What is looked for, in Chinese: the one list of nouns down here, so that whoever looks gives one word."""


class Conflict(MarketError):
    """The state of things does not allow it now."""


class Refused(MarketError):
    """A rule of the market says no."""


class Stale(MarketError):
    """The caller changes what has changed meanwhile."""


class Unavailable(MarketError):
    """The same call may succeed later; until then it changed nothing, or nobody knows and its key tells."""

    retryable = True


class TooManyRequests(Unavailable):
    """Asked too often: the same call may succeed after some `seconds`."""

    code = "request.rate-limited"
    zh = "请求过于频繁，请在 {seconds} 秒后重试。"
    en = "Too many requests; retry in {seconds} second(s)."
