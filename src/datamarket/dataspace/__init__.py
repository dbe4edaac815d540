"""The Dataspace Protocol 2025-1 over HTTPS, provider's side: the market's listings and contracts as connectors speak of them.

dataspace = 数据空间 · connector = 连接器 · callback address = 回调地址 · transfer process = 传输进程

Invariants
- a negotiation is a contract of the house and has no states of its own: one table says how each is called here
- what a policy says and the market does not know is refused, never passed over
- a message that says what is so already changes nothing; who is told something is told it once it is committed,
  and again until they take it, by the level that the contract has reached, not by each step to it
- who has no side in a negotiation sees none, also not whether it is there

Uses: notices, contracts, catalogue, evidence, auth, foundation.
"""
