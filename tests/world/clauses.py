"""An annex that holds, for each kind of contract, and a contract as its text is written of it."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from datamarket.catalogue.terms import Category
from datamarket.contracts.kinds.terms import ContractKind
from datamarket.contracts.text.wording import ContractSide, WrittenContract

USING = {"right": "using", "scope": "本企业内部风控建模", "restrictions": "不得还原个人信息"}
ANNEX: dict[ContractKind, dict[str, Any]] = {
    ContractKind.PROVISION: {"territory": "370200", "recipients": ["本公司", "其子公司"], "notice_days": 10},
    ContractKind.PROCESSING: {
        "processing": {"fee_fen": 1_234_567, "results": "to_buyer"},
        "rights": [USING],
        "security_level": "important",
        "security_environment": "市公共数据安全域",
        "delivery_mode": "enclave",
        "acceptance_days": 7,
        "cure_days": 5,
        "price_cut": True,
        "retention_days": 30,
        "audit_right": True,
        "dispute_forum": "青岛仲裁委员会",
        "quality": {"completeness_bps": 9950, "response_ms": 800, "warranty_days": 90, "repair_days": 3},
    },
    ContractKind.JOINT_DEVELOPMENT: {
        "joint_development": {"provider_bps": 6_000, "buyer_bps": 4_000},
        "rights": [{"right": "operating", "scope": "共同开发的模型"}, USING],
        "onward_transfer": True,
        "security_level": "general",
        "tax_included": True,
        "tax_bps": 600,
        "dispute_forum": "青岛市中级人民法院",
    },
    ContractKind.INTERMEDIARY: {
        "intermediary": {"fee_bps": 150, "owed_if_bypassed": True},
        "dispute_forum": "青岛仲裁委员会",
    },
}
_TERMS: dict[str, Any] = {
    "price_model": "two_part",
    "price_fen": 3_000,
    "period_days": None,
    "price_terms": {
        "units": 1,
        "tiers": [{"above": 100, "price_fen": 2_500}],
        "basic_fen": 100_000,
        "minimum_fen": 0,
        "cap_fen": None,
    },
    "purposes": ["industrial_development", "research"],
    "use_class": "industry",
    "term_from": datetime(2024, 6, 30, 16, tzinfo=UTC),
    "term_to": datetime(2025, 6, 30, 18, 30, tzinfo=UTC),
    "quota": None,
}


def written(kind: ContractKind, /, **changed: Any) -> WrittenContract:
    """A contract of this kind, with other terms where they are given."""
    return WrittenContract(
        id=UUID(int=0x018FDC6E0C0070008000000000000001),
        number=2,
        provider=ContractSide("青岛甲数据有限公司", "91370200MA3C0Y0A0B"),
        buyer=ContractSide("青岛乙科技有限公司", "91370200MA3D1Z1B1C"),
        operator=ContractSide("青岛丙运营有限公司", "91370200MA3E2A2C2D"),
        product_name="港口作业指数",
        product_code="QD-PORT-01",
        product_version=3,
        category=next(iter(Category)),
        venue_id=UUID(int=2),
        venue_fee_bps=100,
        zone_id=UUID(int=3),
        redevelopment=False,
        terms={"kind": kind, **_TERMS, "annex": ANNEX[kind]} | changed,
    )
