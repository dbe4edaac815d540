"""Being told: what happened, what waits for whom, and signed messages to whoever asked for them.

notice = 通知 · feed = 事件流 · position = 序号 · inbox = 待办 · subscription = 订阅 · receiver = 接收端

Invariants
- the feed is the sealed log read in its order: what commits late is sealed late, and stands behind what was read
- who may not see a thing is told nothing of it but what everyone is told
- no write waits for a receiver: messages leave from the feed, by a task of their own

Uses: whatever has events or waits for somebody, evidence, auth, foundation.
"""
