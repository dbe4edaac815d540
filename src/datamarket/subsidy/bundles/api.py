"""/subsidy/runs/{id}/bundle.zip"""

from uuid import UUID

from fastapi import Response

from datamarket.auth.access import ReadSubsidy
from datamarket.evidence.log.api import SealedLog
from datamarket.foundation.http import Reading, SliceRouter
from datamarket.foundation.shapes import attached
from datamarket.foundation.waiting.patience import takes_long
from datamarket.subsidy.bundles import queries
from datamarket.subsidy.runs import queries as run_queries
from datamarket.subsidy.runs.api import name_bundle

router = SliceRouter(prefix="/subsidy/runs", tags=["subsidy"])
ZIP = "application/zip"


@router.get(
    "/{run_id}/bundle.zip",
    summary="A run as a file that replays without a database",
    response_class=Response,
    responses={200: {"content": {ZIP: {"schema": {"type": "string", "format": "binary"}}}}, 409: {}},
)
@takes_long
async def export_bundle(actor: ReadSubsidy, session: Reading, log: SealedLog, run_id: UUID) -> Response:
    """Scheme, snapshot, statements, parameters, lines and sealed events: `datamarket subsidy replay` recomputes it."""
    view = await run_queries.get_run(session, run_id)
    content = await queries.bundle_of(session, view, log.notary.reader)
    response = attached(content, ZIP, f"{view.run.scheme_id}-{view.run.year}-bundle.zip")
    name_bundle(response, view)
    return response
