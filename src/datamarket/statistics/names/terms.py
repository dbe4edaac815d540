"""Kinds of things that have names."""

from typing import NamedTuple

from datamarket.foundation.states import Labelled


class NamedKind(Labelled):
    """What an id may be the id of."""

    PARTICIPANT = "participant", "市场主体", "organisation"
    ZONE = "zone", "运营专区", "zone"
    MANDATE = "mandate", "授权", "mandate"
    SCENARIO = "scenario", "场景", "scenario"
    RESOURCE = "resource", "数据资源", "resource"
    VENUE = "venue", "交易平台", "venue"
    PRODUCT = "product", "数据产品", "product"
    LISTING = "listing", "挂牌", "listing"
    QUOTE = "quote", "报价单", "quote"
    CONTRACT = "contract", "合同", "contract"
    ORDER = "order", "订单", "order"
    TRADE = "trade", "交易", "trade"
    SCHEME = "scheme", "奖补方案", "scheme"
    RUN = "run", "奖补运行", "run"
    CALL = "call", "申报通知", "call"
    APPLICATION = "application", "申报", "application"
    CASE = "case", "场景案例", "case"
    PAPER = "paper", "材料", "paper"
    ACCOUNT = "account", "账户", "account"


class Name(NamedTuple):
    """What one id is called, and the path at which the caller reads the thing."""

    id: str
    kind: NamedKind
    path: str
    name_zh: str
    name_en: str
