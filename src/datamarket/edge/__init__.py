"""HTTP as every caller meets it: problem documents, limits, logs, metrics, health, documentation pages.

problem document = 错误应答 (RFC 9457) · rate limit = 限流 · request id = 请求编号

Invariants
- one table says which error family answers with which status (`problems.STATUS_OF`)
- what everyone is answered alike is given again until it changes: never after a write of this process has ended, nor
  0.8 s after one of another
- middleware is plain ASGI: the wrapping kind costs two thirds of the throughput

Uses: foundation.
"""
