"""Subscriptions: events as signed messages to an address of the subscriber's.

subscription = 订阅 · receiver = 接收端 · message = 消息 · sending = 发送 · signing secret = 签名密钥 · replay = 重放

Invariants
- CloudEvents 1.0 in JSON by HTTP POST, signed as Standard Webhooks 1.0.0 says; each message at least once, in the feed's order
- the secret stands nowhere: it follows from the server's private key and the row's salt, and is shown once, when it is made
- a message leaves for a public address only, whatever the name resolved to before; redirects are not followed
- a receiver that fails is asked again later and later, then its subscription pauses and its holder is told

Uses: the events room, auth, evidence, foundation.
"""
