"""The portal: pages for visitors, participants, policy staff, finance and audit, over the API and nothing else.

portal = 门户 · page = 页面 · visit = 访问 · form = 表单

Invariants
- a page asks the API in this process with the caller's own token (`asking`): it shows nothing that the API refuses,
  and whoever writes another portal can do all that this one does
- no rule of the market lives here; every write is a form whose fields are those of the API's document (`forms`)
- every form carries a token of its own browser and an Idempotency-Key: a double click is one write
- every page reads without JavaScript; scripts and styles are our own files, and nothing is fetched from elsewhere
- every sentence stands in Chinese in the templates and in English in `en.po`

Uses: slices, edge, foundation.
"""
