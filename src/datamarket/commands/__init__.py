"""The command `datamarket`, one file a noun: market, database, subsidy (its documents apart), bank, evidence.

Imports stand inside the commands: `subsidy evaluate` must not need a database, and `--help` not a second.
A refusal of the market is printed in both languages, and exits 2.

Uses: server, simulation, statistics, subsidy, payouts, ledger, accounts, evidence, auth, edge, foundation.
"""
