"""Transfers: a consumer's connector asks for the data of a contract, the provider starts, and both may rest or end it.

transfer process = 传输进程 · data address = 数据地址

Invariants
- a transfer belongs to a contract that both have signed; it authorises nothing: each use is decided and metered by the contract
- a contract that is suspended, or whose authority stops, suspends what is started; one that ends, ends it: what is shown
  follows from the contract at each instant, and is not written down a second time
- a data address is shown while a transfer is started, and only then

Uses: contracts, evidence, auth, foundation.
"""
