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

    def is_at(self, path: str) -> bool:
        """Whether a page is this one, or stands below it."""
        here = self.to.partition("?")[0]
        if path.startswith("/my/"):  # a thing of the list
            here = here.replace("/desk/", "/my/", 1)
        return path == here or (
            here not in {"/desk", "/oversight", "/policy"} and path.startswith(f"{here}/")
        )

    def is_near(self, path: str) -> bool:
        """Whether a page is of the same desk, also one to which no entry leads."""
        room = path.split("/")[1]
        return self.is_at(path) or (room != "desk" and self.to.startswith(f"/{room}"))

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
            Way("/my/contracts", "合同", "Contracts", "read_market"),
            Way("/my/orders", "订单", "Orders", "read_market"),
            Way("/my/trades", "交易", "Trades", "read_market"),
            Way("/desk/quotes", "报价单", "Quotes", "read_market"),
            Way("/my/money", "资金", "Money", "dispute_trade"),
            Way("/my/statement", "月度对账单", "Statement", "dispute_trade"),
            Way("/desk/products", "数据产品", "Products", "make_product"),
            Way("/desk/listings?mine=true", "挂牌", "Listings", "list_product"),
            Way("/my/notices", "通知", "Notices", "read_market"),
            Way("/desk/subscriptions", "订阅", "Subscriptions", "read_market"),
        ),
    ),
    (
        "奖补政策", "Subsidy",
        (
            Way("/policy", "奖补总览", "Overview", "read_subsidy"),
            Way("/policy/what-if", "政策测算", "What if", "read_subsidy"),
            Way("/policy/studies", "测算报告", "Studies", "read_subsidy"),
            Way("/policy/flags", "诚信疑点", "Flags", "read_subsidy"),
            Way("/policy/calls", "申报通知", "Calls", "read_market"),
            Way("/policy/applications", "申报", "Applications", "read_market"),
            Way("/desk/subsidy/cases", "场景案例", "Cases", "read_market"),
            Way("/policy/objections", "异议与申诉", "Objections", "read_market"),
            Way("/policy/recoveries", "追回", "Recoveries", "read_market"),
            Way("/policy/schemes", "方案", "Schemes", "read_subsidy"),
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
            Way("/oversight", "监督概览", "Overview", "read_audit_events"),
            Way("/oversight/balance", "试算平衡", "Trial balance", "read_audit_events"),
            Way("/oversight/months", "会计期间", "Months", "read_audit_events"),
            Way("/oversight/accounts", "账户与明细", "Accounts", "read_audit_events"),
            Way("/oversight/income", "收入去向", "Where income went", "read_audit_events"),
            Way("/oversight/payouts", "出款批次", "Payouts", "read_audit_events"),
            Way("/oversight/bank", "银行对账", "Reconciliation", "read_audit_events"),
            Way("/oversight/trades", "逐笔追溯", "Trace a trade", "read_audit_events"),
            Way("/oversight/chain", "授权链追溯", "Chain of authority", "read_audit_events"),
            Way("/oversight/checks", "不变量", "Invariants", "read_audit_events"),
            Way("/oversight/trail", "审计轨迹", "Audit trail", "read_audit_events"),
        ),
    ),
)  # fmt: skip


HOMES = (
    ("/contracts/", "/my/contracts/{contract_id}"),
    ("/orders/", "/my/orders/{order_id}"),
    ("/trades/", "/my/trades/{trade_id}"),
    ("/trades/", "/my/trades/{trade_id}/disputes/{dispute_id}"),
    ("/quotes/", "/my/quotes/{quote_id}"),
    ("/subscriptions/", "/my/subscriptions/{subscription_id}"),
    ("/events/", "/my/notices/{event_id}"),
    ("/listings/", "/catalogue/{listing_id}"),
    ("/zones/", "/zones/{zone_id}"),
    ("/ledger/accounts/", "/oversight/accounts/{account_id}"),
    ("/payouts/batches/", "/oversight/payouts/{batch_id}"),
    ("/subsidy/runs/", "/policy/runs/{run_id}"),
    ("/subsidy/lines/", "/policy/lines/{line_id}"),
    ("/subsidy/schemes/", "/policy/schemes/{scheme_id}"),
    ("/subsidy/integrity/flags/", "/policy/flags/{flag_id}"),
    ("/subsidy/objections/", "/policy/objections/{objection_id}"),
    ("/subsidy/recoveries/", "/policy/recoveries/{recovery_id}"),
    ("/subsidy/calls/", "/policy/calls/{call_id}"),
    ("/subsidy/studies/", "/policy/studies/{study_id}"),
    ("/subsidy/applications/", "/policy/applications/{application_id}"),
)
"""Where the things of a path of the API have a page of their own; it is led to where it is declared."""


def desks_of(visit: Visit) -> list[tuple[str, list[Way]]]:
    """The groups of the desk with what this caller may see; a group with nothing in it is left out."""
    found = [
        (zh if visit.language == "zh" else en, [way for way in ways if way.permission is None or visit.may(way.permission)])
        for zh, en, ways in DESKS
    ]  # fmt: skip
    return [(name, ways) for name, ways in found if ways] if visit.who else []
