"""A run through its life: snapshot, calculation, review, publicity, approval, posting, payment through payout batches; four hands.

run = 补贴运行 · publicity = 公示
"""
