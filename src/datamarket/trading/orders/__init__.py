"""Orders that the buyer must accept: held → delivered into escrow → accepted, in part or whole → a trade.

order = 订单 · delivery = 交付 · acceptance = 验收 · escrow = 托管 · silence = 逾期未表示
"""
