"""Where one finds what: the pages by their users, each shown to whoever may ask for what it shows."""

from dataclasses import dataclass

from datamarket.portal.sessions import Visit


@dataclass(frozen=True)
class Way:
    """One entry: where it leads, what it is called, and the permission without which it is not shown."""

    to: str
    zh: str
    en: str
    permission: str | None = None

    def named(self, language: str) -> str:
        return self.zh if language == "zh" else self.en


OVERSEEING = "read_audit_events"
"""Who has it reads the books of the whole city, others their own."""
PUBLIC = (
    Way("/catalogue", "数据产品", "Catalogue"),
    Way("/zones", "运营专区", "Zones"),
    Way("/league", "交易榜单", "League table"),
    Way("/prices", "价格公示", "Price list"),
    Way("/awards", "奖补公示", "Awards"),
    Way("/evidence", "存证核验", "Evidence"),
)
DESKS: tuple[tuple[str, str, tuple[Way, ...]], ...] = (
    (
        "我的业务", "My business",
        (
            Way("/desk", "待办事项", "What waits"),
            Way("/desk/products", "数据产品", "Products", "make_product"),
            Way("/desk/listings?mine=true", "挂牌", "Listings", "list_product"),
            Way("/desk/quotes", "报价单", "Quotes", "read_market"),
            Way("/desk/contracts", "合同", "Contracts", "read_market"),
            Way("/desk/orders", "订单", "Orders", "read_market"),
            Way("/desk/trades", "交易", "Trades", "read_market"),
            Way("/desk/events", "动态", "Events", "read_market"),
            Way("/desk/subscriptions", "订阅", "Subscriptions", "read_market"),
        ),
    ),
    (
        "奖补政策", "Subsidy",
        (
            Way("/desk/subsidy/runs", "奖补运行", "Runs", "read_subsidy"),
            Way("/desk/subsidy/calls", "申报通知", "Calls", "read_market"),
            Way("/desk/subsidy/applications", "申报", "Applications", "read_market"),
            Way("/desk/subsidy/cases", "场景案例", "Cases", "read_market"),
            Way("/desk/subsidy/integrity/flags", "诚信疑点", "Flags", "read_subsidy"),
            Way("/desk/subsidy/objections", "异议", "Objections", "read_market"),
            Way("/desk/subsidy/recoveries", "追回", "Recoveries", "read_market"),
            Way("/desk/subsidy/schemes", "方案", "Schemes", "read_subsidy"),
            Way("/desk/subsidy/studies", "测算", "Studies", "read_subsidy"),
        ),
    ),
    (
        "主体与资源", "Registers",
        (
            Way("/desk/participants", "市场主体", "Organisations", "read_market"),
            Way("/desk/qualifications", "资质", "Qualifications", "read_market"),
            Way("/desk/resources", "资源登记", "Resources", "read_market"),
            Way("/desk/venues", "交易平台", "Venues", "read_market"),
            Way("/desk/prices/permitted-incomes", "准许收入", "Permitted incomes", "read_market"),
            Way("/desk/accounts", "账户", "Accounts", "read_accounts"),
        ),
    ),
    (
        "账务与监督", "Books and oversight",
        (
            Way("/desk/ledger/accounts", "账簿科目", "Accounts of the ledger", "read_ledger"),
            Way("/desk/ledger/trial-balance", "试算平衡", "Trial balance", OVERSEEING),
            Way("/desk/ledger/periods", "会计期间", "Months", "read_ledger"),
            Way("/desk/payouts/batches", "出款批次", "Payouts", "read_ledger"),
            Way("/desk/bank/reconciliation", "银行对账", "Reconciliation", OVERSEEING),
            Way("/desk/audit-events", "审计事件", "Audit trail", "read_audit_events"),
        ),
    ),
)  # fmt: skip


def desks_of(visit: Visit) -> list[tuple[str, list[Way]]]:
    """The groups of the desk with what this caller may see; a group with nothing in it is left out."""
    found = [
        (zh if visit.language == "zh" else en, [way for way in ways if way.permission is None or visit.may(way.permission)])
        for zh, en, ways in DESKS
    ]  # fmt: skip
    return [(name, ways) for name, ways in found if ways] if visit.who else []
