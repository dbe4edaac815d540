"""What every slice stands on, and no word of the market itself.

money     Fen (int), exact rates, the one rounding, the one split
errors    families of refusals: stable code, a sentence in Chinese and English
states    a state machine is a table {(state, event): next}
clock     the one place that reads the time; business dates are Asia/Shanghai
ids       UUIDv7, given the time
settings  one frozen object, read once
db        the database: one transaction per request; a page of a list in SQL
shapes    a row as its shape, or what a key has kept
idempotency  one answer a key, claimed and settled by set
http      request shapes: cursor pages, entity tags, transactions
"""
