"""An annex that holds, for each kind of contract."""

from typing import Any

from datamarket.contracts.kinds.terms import ContractKind

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
