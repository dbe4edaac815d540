"""Questions to a stored run: other parameters, another run, the books as they are now, the same bytes again.

reform = 测算方案 · drift = 数据变动 · replay = 重算
"""
