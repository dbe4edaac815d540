"""Reading quotes."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from datamarket.auth.queries import seen_by
from datamarket.auth.terms import Actor
from datamarket.contracts.quotes.tables import Quote
from datamarket.foundation.db import PageAsked, asked, keyset, one_row


async def get_quote(session: AsyncSession, quote_id: UUID, *, visible_to: Actor) -> Quote:
    """Raises NotFound, also for a quote between others."""
    return await one_row(session, _seen(visible_to).where(Quote.id == quote_id), "quote")


async def lock_own_quote(session: AsyncSession, quote_id: UUID, buyer_id: UUID) -> Quote:
    """A buyer's own quote as it is now, which nobody else uses meanwhile. Raises NotFound."""
    statement = select(Quote).where(Quote.id == quote_id, Quote.buyer_id == buyer_id).with_for_update()
    return await one_row(session, statement.execution_options(populate_existing=True), "quote")


async def list_quotes(
    session: AsyncSession, *, visible_to: Actor, listing: UUID | None, page: PageAsked[UUID]
) -> Sequence[Quote]:
    """Newest first."""
    statement = _seen(visible_to).where(*asked((Quote.listing_id, listing)))
    return (await session.exec(keyset(statement, col(Quote.id), page, newest_first=True))).all()


def _seen(actor: Actor) -> SelectOfScalar[Quote]:
    return select(Quote).where(seen_by(actor, Quote.provider_id, Quote.buyer_id))
