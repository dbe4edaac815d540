"""Papers that a subsidy stands on: files below `var/papers` by their digest; the database knows name, type, size and digest.

paper = 证明材料 · digest = 摘要

Invariants
- no byte of a file stands in a row; a digest that the sender states is compared before anything is kept
- a paper is never changed or taken back; who uploaded it, its organisation and overseers read it, nobody else
- what is read is compared with the digest again

Uses: evidence, auth, foundation.
"""
