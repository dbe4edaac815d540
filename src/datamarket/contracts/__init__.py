"""Authorised-use contracts, enforced on every use.

authorised-use contract = 授权使用合同 · purpose = 使用目的 · use class = 使用类别 · quota = 用量额度
metered use = 计量使用 · signature = 签署

Invariants
- price plan, product version, venue fee and parties are frozen into the contract when it is requested
- active means signed by both parties; suspension and end carry a reason
- a use is checked and metered in one conditional statement: a quota is never overspent, reserved units count
- a buyer does not end a contract while a delivery awaits its decision
- a use that the contract does not name is refused (unknown purpose: no)
- a zone operator, or its affiliate, never re-develops what the zone delivered (domain rule, at
  request and again at signature)

Uses: catalogue, zones, ledger, participants, evidence, auth, foundation.
"""
