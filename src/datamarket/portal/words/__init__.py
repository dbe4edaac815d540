"""Words and figures of pages: sentences, names of fields and operations, labels, amounts and days in either language.

tongue = 语言 · column = 列

Invariants
- a sentence is written in Chinese in its template, and in English in `en.po`; a test finds what is missing
- a field or operation of the API has one name in each language (`fields.yaml`), wherever it is shown
- no figure is calculated here

Uses: slices, foundation, portal.operations.
"""
