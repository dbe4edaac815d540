"""What is for sale: one approved version on one venue at one price.

listing = 挂牌 · price plan = 计价方案 · offer = 报价要约
"""
