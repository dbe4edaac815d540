"""Words of zones, their mandates and scenarios, and the levels of data."""

from datamarket.foundation.states import Labelled


class ZoneState(Labelled):
    DRAFT = "draft", "筹建", "in preparation"
    OPEN = "open", "运营中", "open"
    CLOSED = "closed", "已关闭", "closed"


class ZoneEvent(Labelled):
    OPEN = "open", "开区", "open"
    CLOSE = "close", "关闭", "close"
    REOPEN = "reopen", "重新开区", "reopen"


class MandateState(Labelled):
    GRANTED = "granted", "已授权", "granted"
    WITHDRAWN = "withdrawn", "已收回", "withdrawn"
    EXPIRED = "expired", "已到期", "expired"


class MandateEvent(Labelled):
    RENEW = "renew", "续期", "renew"
    EVALUATE = "evaluate", "评估", "evaluate"
    WITHDRAW = "withdraw", "收回", "withdraw"
    REINSTATE = "reinstate", "恢复", "reinstate"
    EXPIRE = "expire", "到期", "expire"


class ExitCourse(Labelled):
    """What becomes of the contracts that run under a mandate which is withdrawn."""

    END = "end", "随授权终止", "they end with it"
    MOVE = "move", "转入后续授权", "they wait for the next mandate, and go on under it"
    WIND_DOWN = "wind_down", "过渡期后停止", "they stop after the days of wind-down"


class MandateMode(Labelled):
    """How far an authorisation reaches: all public data, a field, or scenario by scenario."""

    WHOLE = "whole", "整体授权", "as a whole"
    FIELD = "field", "分领域授权", "by field"
    SCENARIO = "scenario", "依场景授权", "by scenario"


class UseClass(Labelled):
    """Use for the public good is free; use for industry pays a fee under a ceiling."""

    PUBLIC_GOOD = "public_good", "公共治理、公益事业", "public governance and public good"
    INDUSTRY = "industry", "产业发展、行业发展", "industry"


class Level(Labelled):
    """GB/T 43697."""

    GENERAL = "general", "一般数据", "general"
    IMPORTANT = "important", "重要数据", "important"
    CORE = "core", "核心数据", "core"
