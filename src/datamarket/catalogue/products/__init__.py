"""What is offered: a product and its versions, each reviewed by somebody who is not its maker.

product = 数据产品 · version = 产品版本 · compliance review = 合规审查 · maker = 产品开发方
"""
