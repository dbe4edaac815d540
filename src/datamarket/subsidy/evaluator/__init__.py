"""From scheme and snapshot to lines, pure: eligibility, rank, rate, cap, rounding, stacking, budget; each step explained.

line = 奖补明细 · step = 计算步骤 · cut = 入围线 · candidate = 申报对象
"""
