"""Words of the chain of authority: its links, and why one of them no longer stands."""

from datamarket.foundation.states import Labelled


class LinkKind(Labelled):
    """What a contract stands on; a listing stands on all of them but buyer, scenario and itself."""

    BUYER = "buyer", "需方准入", "the buyer's admission"
    PROVIDER = "provider", "供方准入", "the provider's admission"
    OPERATOR = "operator", "运营机构准入", "the operator's admission"
    MANDATE = "mandate", "运营授权", "the mandate"
    ZONE = "zone", "专区", "the zone"
    SCENARIO = "scenario", "场景", "the scenario"
    RESOURCE = "resource", "资源登记", "the registration of a resource"
    VERSION = "version", "产品版本", "the product version"
    LISTING = "listing", "挂牌", "the listing"


class StoppageCause(Labelled):
    """What somebody did to a link; what only ends by its term is told by the term."""

    PARTY_SUSPENDED = "party_suspended", "主体被暂停", "the party was suspended"
    PARTY_WITHDRAWN = "party_withdrawn", "主体已退出", "the party has left"
    MANDATE_WITHDRAWN = "mandate_withdrawn", "授权被收回", "the mandate was withdrawn"
    ZONE_CLOSED = "zone_closed", "专区已关闭", "the zone was closed"
    REGISTRATION_CANCELLED = "registration_cancelled", "登记已注销", "the registration was cancelled"
    REGISTRATION_LAPSED = "registration_lapsed", "登记已失效", "the registration had lapsed"
    VERSION_RECALLED = "version_recalled", "产品版本被召回", "the product version was recalled"
