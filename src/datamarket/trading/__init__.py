"""A trade prices a use or an order under its contract, splits it, posts it, records it.

trade = 交易记录 · price = 计价 · split = 收益分配 · refund = 退款
order = 订单 · acceptance = 验收 · escrow = 托管

A trade in four files: `api.record_trade` → `actions.record_trades` (meter, price, split, post: always a
batch) → `rules` (pure) and `recording` (what is written of it). Single requests meet at a desk: what has queued while a batch
was in flight is shared out to the next.

Invariants
- I9 the parts of a split add up to the gross, by the largest remainder
- an order that the buyer must accept holds money and units first; silence counts as acceptance
- I16 what open orders reserve, nobody else uses
- a use is priced once, by its buyer, or in the end by its seller; free use is recorded, and posts nothing
- a refund mirrors the original legs, and never exceeds what is left of them
- the split follows a dated rule in `revenue/rules.yaml`; its shares are an assumption and say so

Uses: contracts, catalogue, ledger, participants, evidence, auth, foundation.
"""
