"""Rows of the sealed log: leaves by the block, nodes of the tree, blocks with their checkpoints."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Index, LargeBinary, UniqueConstraint, Uuid, text
from sqlmodel import Field, SQLModel

from datamarket.foundation.tables import ARRAY, BigInteger, Text, instant


class SealLeaves(SQLModel, table=True):
    """A run of leaves inside one tile of 256."""

    __tablename__ = "seal_leaves"
    __table_args__ = (
        CheckConstraint(
            "first_index >= 0 AND cardinality(ids) BETWEEN 1 AND 256 - first_index % 256"
            " AND cardinality(kinds) = cardinality(ids) AND cardinality(hashes) = cardinality(ids)",
            name="seal_leaves_in_one_tile",
        ),
    )
    ledger_id: int = Field(primary_key=True)
    first_index: int = Field(primary_key=True, sa_type=BigInteger)
    ids: list[UUID] = Field(sa_column=Column(ARRAY(Uuid), nullable=False))
    kinds: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    hashes: list[bytes] = Field(sa_column=Column(ARRAY(LargeBinary), nullable=False))


class SealNode(SQLModel, table=True):
    """The root of a complete subtree of 256, 256², 256³ … leaves."""

    __tablename__ = "seal_node"
    ledger_id: int = Field(primary_key=True)
    level: int = Field(primary_key=True)
    index: int = Field(primary_key=True, sa_type=BigInteger)
    hash: bytes


class SealBlock(SQLModel, table=True):
    """One pass of the sealer, with its signed checkpoint."""

    __tablename__ = "seal_block"
    __table_args__ = (
        UniqueConstraint("ledger_id", "size", name="seal_block_size_key"),
        CheckConstraint("leaves > 0 AND size = first_index + leaves", name="seal_block_adds_up"),
        Index("seal_block_xid_idx", "ledger_id", "epoch", "xid_last"),
        Index("seal_block_opening_idx", "ledger_id", "number", postgresql_where=text("xid_from = 0")),
    )
    ledger_id: int = Field(primary_key=True)
    number: int = Field(primary_key=True, sa_type=BigInteger)
    first_index: int = Field(sa_type=BigInteger)
    leaves: int = Field(sa_type=BigInteger)
    size: int = Field(sa_type=BigInteger)
    root: bytes
    previous_root: bytes
    frontier: list[bytes] = Field(sa_column=Column(ARRAY(LargeBinary), nullable=False))
    epoch: int
    system_identifier: int = Field(sa_type=BigInteger)
    xid_from: int = Field(sa_type=BigInteger)
    xid_below: int = Field(sa_type=BigInteger)
    xid_last: int = Field(sa_type=BigInteger)
    sealed_at: datetime = instant()
    checkpoint: str


_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
BLOCK_COLUMNS = (
    "number, first_index, leaves, size, root, previous_root, frontier, epoch, system_identifier,"
    " xid_from, xid_below, xid_last, sealed_at"
)


class Block(NamedTuple):
    """A row of `seal_block` without its checkpoint."""

    number: int
    first_index: int
    leaves: int
    size: int
    root: bytes
    previous_root: bytes
    frontier: list[bytes]
    epoch: int
    system_identifier: int
    xid_from: int
    xid_below: int
    xid_last: int
    sealed_at: datetime

    def bound(self) -> bytes:
        """A hash over what the root does not show: the checkpoint signs it too."""
        told = (
            self.number,
            self.first_index,
            self.leaves,
            self.size,
            self.root.hex(),
            self.previous_root.hex(),
            self.epoch,
            self.system_identifier,
            self.xid_from,
            self.xid_below,
            self.xid_last,
            (self.sealed_at - _BEGINNING) // timedelta(microseconds=1),
        )
        return hashlib.sha256("|".join(map(str, told)).encode()).digest()
