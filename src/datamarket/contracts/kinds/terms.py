"""Words of the kinds of contract, of their clauses, and of what the clauses name."""

from datamarket.foundation.states import Labelled


class ContractKind(Labelled):
    """After the model contracts GF-2025-2615, 2616, 2617 and 2618, in this order."""

    PROVISION = "provision", "数据提供", "data provision"
    PROCESSING = "processing", "数据委托处理", "commissioned processing"
    JOINT_DEVELOPMENT = "joint_development", "数据融合开发", "joint development"
    INTERMEDIARY = "intermediary", "数据中介服务", "intermediary service"


class ContractClause(Labelled):
    """A part of the terms; after the quota those of the annex."""

    KIND = "kind", "合同类型", "kind of contract"
    PRICE_MODEL = "price_model", "计价方式", "price model"
    PRICE_FEN = "price_fen", "单价", "price"
    PERIOD_DAYS = "period_days", "计费周期（天）", "days of a period"
    PRICE_TERMS = "price_terms", "计价条款", "terms of the price"
    PURPOSES = "purposes", "使用目的", "purposes"
    USE_CLASS = "use_class", "使用类别", "use class"
    TERM_FROM = "term_from", "期限起", "beginning of the term"
    TERM_TO = "term_to", "期限止（不含）", "end of the term (not included)"
    QUOTA = "quota", "用量额度", "quota"
    TERRITORY = "territory", "使用地域", "territory"
    RECIPIENTS = "recipients", "接收方", "recipients"
    PERMITTED_FORM = "permitted_form", "使用方式", "permitted form"
    SECURITY_ENVIRONMENT = "security_environment", "安全环境", "security environment"
    ACCEPTANCE_DAYS = "acceptance_days", "验收期（天）", "days of acceptance"
    RETENTION_DAYS = "retention_days", "留存期（天）", "days of retention"
    NOTICE_DAYS = "notice_days", "终止通知期（天）", "days of notice"
    DISPUTE_FORUM = "dispute_forum", "争议解决", "dispute forum"
    FORMS = "forms", "限定使用形式", "forms permitted"
    TERRITORIES = "territories", "限定地域（行政区划代码）", "territories permitted"
    RECIPIENT_IDS = "recipient_ids", "限定接收方", "recipients permitted"
    RATE = "rate", "用量速率", "rate"
    RIGHTS = "rights", "数据权利", "data rights"
    ONWARD_TRANSFER = "onward_transfer", "可否转授", "onward transfer"
    SECURITY_LEVEL = "security_level", "安全级别", "security level"
    DELIVERY_MODE = "delivery_mode", "交付方式", "delivery mode"
    TAX_BPS = "tax_bps", "税率", "tax rate"
    TAX_INCLUDED = "tax_included", "价款含税", "tax included"
    CURE_DAYS = "cure_days", "补正期（天）", "days to cure"
    HIDDEN_DEFECT = "hidden_defect", "瑕疵须使用方可发现", "defects that only use shows"
    INSTALMENTS = "instalments", "分期（签约、交付、验收）", "instalments (signing, delivery, acceptance)"
    PRICE_CUT = "price_cut", "可否减价", "price cut"
    QUALITY = "quality", "质量要求", "quality"
    AUDIT_RIGHT = "audit_right", "审计权", "audit right"
    PROCESSING = "processing", "委托处理", "processing"
    JOINT_DEVELOPMENT = "joint_development", "收益分配", "division of income"
    INTERMEDIARY = "intermediary", "中介报酬", "intermediary's fee"


class ClausePart(Labelled):
    """A part of a clause that has several, and of a price that counts by the month."""

    RIGHT = "right", "权利", "right"
    SCOPE = "scope", "范围", "scope"
    RESTRICTIONS = "restrictions", "限制", "restrictions"
    FORMAT_ERROR_BPS = "format_error_bps", "格式差错率不高于", "format errors at most"
    COMPLETENESS_BPS = "completeness_bps", "完整性不低于", "completeness at least"
    AVAILABILITY_BPS = "availability_bps", "可用率不低于", "availability at least"
    RESPONSE_MS = "response_ms", "响应时间不超过（毫秒）", "response at most (ms)"
    WARRANTY_DAYS = "warranty_days", "质保期（天）", "days of warranty"
    REPAIR_DAYS = "repair_days", "修复时限（天）", "days to repair"
    FEE_FEN = "fee_fen", "报酬", "fee"
    FEE_BPS = "fee_bps", "报酬占合同价款", "fee, of the contract's price"
    RESULTS = "results", "处理成果", "results"
    PROVIDER_BPS = "provider_bps", "供方所得", "provider's share"
    BUYER_BPS = "buyer_bps", "需方所得", "buyer's share"
    OWED_IF_BYPASSED = "owed_if_bypassed", "绕开中介仍应付酬", "still owed if bypassed"
    UNITS = "units", "计价单位数", "units of the price"
    TIERS = "tiers", "阶梯", "tiers"
    ABOVE = "above", "超过", "above"
    TIER_FEN = "price_fen", "单价", "price"
    BASIC_FEN = "basic_fen", "年度基本费", "yearly basic fee"
    MINIMUM_FEN = "minimum_fen", "月度最低消费", "the month's minimum"
    CAP_FEN = "cap_fen", "月度封顶", "the month's cap"


class DataRight(Labelled):
    """The three rights of data 数据产权, each given by itself."""

    HOLDING = "holding", "持有权", "holding"
    USING = "using", "使用权", "using"
    OPERATING = "operating", "经营权", "operating"


class DeliveryMode(Labelled):
    API = "api", "接口调用", "calls of an API"
    FILE = "file", "文件传输", "files sent"
    MEDIUM = "medium", "离线介质", "an offline medium"
    ENCLAVE = "enclave", "在安全环境内使用，数据不出域", "use in a secure environment, data stay there"


class ResultsCourse(Labelled):
    """What becomes of the results of commissioned processing."""

    TO_BUYER = "to_buyer", "归委托方", "they are the buyer's"
    TO_PROVIDER = "to_provider", "归受托方", "they are the provider's"
    SHARED = "shared", "双方共有", "both share them"
    DELETED = "deleted", "交付后删除", "deleted once delivered"


class ClauseConflict(Labelled):
    """Why clauses can not stand beside each other."""

    RIGHT_TWICE = "right_twice", "同一项权利写了两次", "a right is given twice"
    OPERATING_KEPT = (
        "operating_kept",
        "授予经营权即可对外提供，却未约定可以转授",
        "the right of operating provides to others, and onward transfer is not allowed",
    )
    TAX_APART = "tax_apart", "平台价款一律含税", "prices of this market include the tax"
    REPAIR_UNWARRANTED = "repair_unwarranted", "有修复时限而无质保期", "days to repair, and no warranty"
    SHARES_APART = "shares_apart", "双方所得之和不是 100%", "the two shares do not add up to 100 %"
    FEE_TWICE = "fee_twice", "报酬既按比例又按定额", "a fee by share and a fixed one"
    NO_FEE_OWED = "no_fee_owed", "无报酬而约定绕开仍应付酬", "no fee, which is still owed if bypassed"
