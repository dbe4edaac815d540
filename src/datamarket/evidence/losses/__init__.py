"""Losses: what the outside knows to have been written, what of it is not there any more, and who has accepted that.

position = 已确认位置 · loss = 数据丢失 · acceptance = 确认接受

- a position, signed, names the rows that no checkpoint outside covers yet; it is written every second
- a position that the database no longer contains is put aside, never overwritten
- a loss is accepted by two people, opens an epoch, and is named by every verification from then on
"""
