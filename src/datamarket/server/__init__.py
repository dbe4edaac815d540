"""What answers and what runs beside it: the application, its database, housekeeping, sealing, the checks.

housekeeping = 后台任务 · check = 不变量核对

Uses: slices, ledger, evidence, trading, edge, auth, foundation.
"""
