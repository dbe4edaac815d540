-- The sealed log of a market: leaves in runs that never leave a tile of 256, roots of complete subtrees, blocks.
CREATE TABLE seal_leaves (
    ledger_id INTEGER NOT NULL,
    first_index BIGINT NOT NULL,
    ids UUID[] NOT NULL,
    kinds TEXT[] NOT NULL,
    hashes BYTEA[] NOT NULL,
    CONSTRAINT seal_leaves_pkey PRIMARY KEY (ledger_id, first_index),
    CONSTRAINT seal_leaves_in_one_tile CHECK (
        first_index >= 0 AND cardinality(ids) BETWEEN 1 AND 256 - first_index % 256
        AND cardinality(kinds) = cardinality(ids) AND cardinality(hashes) = cardinality(ids))
);
ALTER TABLE seal_leaves ALTER COLUMN ids SET STORAGE EXTERNAL, ALTER COLUMN hashes SET STORAGE EXTERNAL;

CREATE TABLE seal_node (
    ledger_id INTEGER NOT NULL,
    level INTEGER NOT NULL,
    index BIGINT NOT NULL,
    hash BYTEA NOT NULL,
    CONSTRAINT seal_node_pkey PRIMARY KEY (ledger_id, level, index)
);

-- A block is one pass of the sealer. It took the rows whose transaction lies in [xid_from, xid_below); `xid_last` is
-- the highest it met, and lies beyond only where a restored database begins a new epoch.
CREATE TABLE seal_block (
    ledger_id INTEGER NOT NULL,
    number BIGINT NOT NULL,
    first_index BIGINT NOT NULL,
    leaves BIGINT NOT NULL,
    size BIGINT NOT NULL,
    root BYTEA NOT NULL,
    previous_root BYTEA NOT NULL,
    frontier BYTEA[] NOT NULL,
    epoch INTEGER NOT NULL,
    system_identifier BIGINT NOT NULL,
    xid_from BIGINT NOT NULL,
    xid_below BIGINT NOT NULL,
    xid_last BIGINT NOT NULL,
    sealed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    checkpoint VARCHAR NOT NULL,
    CONSTRAINT seal_block_pkey PRIMARY KEY (ledger_id, number),
    CONSTRAINT seal_block_size_key UNIQUE (ledger_id, size),
    CONSTRAINT seal_block_adds_up CHECK (leaves > 0 AND size = first_index + leaves)
);
CREATE INDEX seal_block_xid_idx ON seal_block (ledger_id, epoch, xid_last);
CREATE INDEX seal_block_opening_idx ON seal_block (ledger_id, number) WHERE xid_from = 0;

CREATE VIEW seal_leaf AS
SELECT ledger_id, first_index + position - 1 AS index, id, kind, hash
  FROM seal_leaves, unnest(ids, kinds, hashes) WITH ORDINALITY AS leaf (id, kind, hash, position);

GRANT SELECT, INSERT ON seal_leaves, seal_node, seal_block TO datamarket_app;
GRANT SELECT ON seal_leaf TO datamarket_app;
