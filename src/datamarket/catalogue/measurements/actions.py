"""Recording what was measured of a version."""

from collections.abc import Mapping
from datetime import date, datetime
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.rules import organisation_of
from datamarket.auth.terms import Actor
from datamarket.catalogue.measurements import rules
from datamarket.catalogue.measurements.tables import QualityMeasurement
from datamarket.catalogue.measurements.terms import QualityMeasure
from datamarket.catalogue.products import queries as products
from datamarket.catalogue.products.terms import VersionState
from datamarket.evidence.actions import record
from datamarket.foundation.clock import business_date
from datamarket.foundation.ids import new_id
from datamarket.participants.affiliations import queries as affiliations


async def measure_product(
    session: AsyncSession,
    actor: Actor,
    product_id: UUID,
    *,
    version: int | None = None,
    measured_on: date,
    figures: Mapping[QualityMeasure, int],
    now: datetime,
) -> QualityMeasurement:
    """Figures of an approved version, of the newest that the actor sees when none is named; told and kept for good.

    Raises NotFound, OrganisationNeeded, MeasurementOfOwn, MeasurementNotApproved, MeasurementUntimely,
    FigureImpossible, MeasurementTwice.
    """
    measurer, today = organisation_of(actor), business_date(now)
    rules.check_figures(figures)
    if measured_on > today:
        raise rules.MeasurementUntimely(day=measured_on.isoformat(), today=today.isoformat())
    product, seen = await products.get_product(session, product_id, visible_to=actor)
    if measurer == product.maker_id or await affiliations.are_related(
        session, measurer, product.maker_id, measured_on
    ):
        raise rules.MeasurementOfOwn
    held = await products.lock_version_shared(session, product_id, version or product.approved or seen.number)
    if held.state != VersionState.APPROVED:
        raise rules.MeasurementNotApproved(state=VersionState(held.state))
    row = QualityMeasurement(
        id=new_id(now),
        product_id=product_id,
        number=held.number,
        figures={measure.value: value for measure, value in figures.items()},
        measured_on=measured_on,
        measured_by=measurer,
        account_id=actor.account_id,
        created_at=now,
    )
    session.add(row)
    told = {"measurement": str(row.id), "number": row.number, "measured_on": measured_on.isoformat()}
    subject = "product", product_id
    await record(session, actor, "catalogue.measure-product", subject, now=now, figures=row.figures, **told)
    return row
