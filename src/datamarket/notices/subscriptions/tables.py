"""Rows of subscriptions, and of every attempt to send a message."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Index, text
from sqlmodel import Field, SQLModel

from datamarket.foundation.tables import ARRAY, BigInteger, Text, instant, one_of
from datamarket.notices.subscriptions.terms import PauseReason, SendingOutcome, SubscriptionState


class Subscription(SQLModel, table=True):
    """`position` is the last one sent, or looked at; `failures` are those in a row. Nothing leaves before the salt is there."""

    __tablename__ = "subscription"
    __table_args__ = (
        one_of("state", SubscriptionState, "subscription"),
        one_of("pause_reason", PauseReason, "subscription"),
        CheckConstraint("(state = 'paused') = (pause_reason IS NOT NULL)", name="subscription_paused_check"),
        CheckConstraint(
            "position >= -1 AND failures >= 0 AND cardinality(types) > 0", name="subscription_feed_check"
        ),
        Index(
            "subscription_due_idx",
            "ledger_id",
            "failures",
            "due_at",
            postgresql_where=text("state = 'active' AND salt IS NOT NULL"),
        ),
        Index("subscription_participant_idx", "participant_id", "id"),
        Index("subscription_account_idx", "account_id", "id"),
    )
    id: UUID = Field(primary_key=True)
    ledger_id: int
    participant_id: UUID | None = Field(default=None, foreign_key="participant.id")
    account_id: UUID = Field(foreign_key="account.id")
    url: str
    types: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    salt: bytes | None = None
    state: str = SubscriptionState.ACTIVE
    pause_reason: str | None = None
    position: int = Field(sa_type=BigInteger)
    failures: int = 0
    due_at: datetime = instant()
    created_at: datetime = instant()
    version: int = 1


class SendingRow(SQLModel, table=True):
    __tablename__ = "subscription_sending"
    __table_args__ = (
        one_of("outcome", SendingOutcome, "subscription_sending"),
        Index("subscription_sending_subscription_idx", "subscription_id", "id"),
    )
    id: UUID = Field(primary_key=True)
    subscription_id: UUID = Field(foreign_key="subscription.id")
    position: int = Field(sa_type=BigInteger)
    event_id: UUID
    at: datetime = instant()
    outcome: str
    status: int | None = None
    milliseconds: int
