"""Orders that the buyer must accept: money and units set aside → delivered into escrow → accepted, in part or whole → a trade.

order = 订单 · delivery = 交付 · acceptance = 验收 · escrow = 托管 · silence = 逾期未表示 · reservation = 额度预留
"""
