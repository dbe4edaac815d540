"""/health/live, /health/ready and /metrics."""

from typing import Literal

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from datamarket.foundation.http import ForEveryone, Shape, database_of

router = APIRouter(tags=["operations"])
READY_SECONDS = 1
"""Balancers commonly wait two seconds for a health check."""


class Health(Shape):
    status: Literal["ok"] = "ok"


@router.get("/health/live", summary="The process answers", response_model=Health)
async def live(request: Request) -> Response:
    answer = ForEveryone.of(Health())
    return answer.marked(request)


@router.get("/health/ready", summary="The database answers too")
async def ready(request: Request) -> Health:
    """503 while the database is away, or gives no answer within a second."""
    async with database_of(request).within(READY_SECONDS).connection() as connection:
        await connection.fetchval("SELECT 1")
    return Health()


@router.get("/metrics", summary="Prometheus metrics of this worker", response_class=Response)
async def metrics() -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
