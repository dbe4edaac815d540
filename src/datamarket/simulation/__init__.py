"""The simulated city: its files loaded, and market years that happen in it, all through the real actions.

city = 城市种子数据 · market year = 市场年度 · simulation = 模拟

Invariants
- the same files and the same seed make the same books (`books_sha256`)
- every enterprise is fictional; nothing here writes a table past the actions
- shapes of the figures (docs/domain.md §8) are assumptions, reasoned in `shapes.yaml`

`city` loads the files · `shapes`, `plan` decide what will happen · `play` makes it happen · `cases` fills the case register and
decides applications · `settling` pays out and closes months · `second_city` keeps books of its own · `queries` knows the city
Uses: subsidy, payouts, trading, contracts, catalogue, zones, ledger, participants, auth, foundation.
"""
