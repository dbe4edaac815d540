"""Authorised-use contracts, enforced on every use.

authorised-use contract = 授权使用合同 · purpose = 使用目的 · use class = 使用类别 · quota = 用量额度
metered use = 计量使用 · signature = 签署 · notice = 终止通知 · deadline = 答复期限

Invariants
- product version, venue fee and parties are frozen into the contract when it is requested; its terms are negotiated, and
  once both have signed they change by an amendment alone, which has a number of its own
- what waits for an answer says whose, until when, and expires with a reason
- active means signed by both parties; suspension and end carry a reason
- a use is checked and metered in one conditional statement: a quota is never overspent, reserved units count
- a buyer does not end a contract while a delivery awaits its decision
- a use that the contract does not name is refused (unknown purpose: no)
- a use that is recorded late is decided by what the contract authorised when it took place
- a zone operator, or its affiliate, never re-develops what the zone delivered (domain rule, at
  request and again at signature)

Uses: catalogue, zones, ledger, participants, evidence, auth, foundation.
"""
