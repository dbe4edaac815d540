"""The schemes in force: versions proposed by one and approved by another, and each year's budget.

scheme version = 方案版本 · budget = 预算
"""
