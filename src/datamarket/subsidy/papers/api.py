"""/subsidy/papers: files that a case or an application stands on, sent with their digest and read back."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, ClassVar
from uuid import UUID

from fastapi import Depends, Request, Response
from pydantic import Field

from datamarket.auth.access import ReadMarket, allow
from datamarket.auth.terms import Actor, Permission
from datamarket.foundation.documents.kept import read_kept
from datamarket.foundation.documents.reading import read_aside
from datamarket.foundation.http import (
    Body,
    Now,
    Page,
    Paging,
    Reading,
    ShortText,
    SliceRouter,
    Writing,
    page_of,
)
from datamarket.foundation.inputs.bodies import BodyLimits
from datamarket.foundation.shapes import RowShape, attached
from datamarket.subsidy.papers import actions, queries
from datamarket.subsidy.papers.terms import PaperMedia

router = SliceRouter(prefix="/subsidy/papers", tags=["subsidy"])
FilePaper = Annotated[Actor, allow(Permission.FILE_PAPER)]
BINARY = {"schema": {"type": "string", "format": "binary"}}


async def read_papers_folder(request: Request) -> Path:
    folder: Path = request.app.state.settings.papers
    return folder


PapersFolder = Annotated[Path, Depends(read_papers_folder)]


class PaperIn(Body):
    """A file in Base64, with the digest that its sender has computed."""

    limits: ClassVar[BodyLimits] = BodyLimits(octets=12 * 2**20)
    name: ShortText = Field(examples=["专项审计报告.pdf"])
    media_type: PaperMedia = Field(examples=["text/plain"])
    sha256: str = Field(
        pattern=r"^[0-9a-f]{64}$",
        examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
    )
    content: str = Field(min_length=1, pattern=r"^[A-Za-z0-9+/]+={0,2}$", examples=["dGVzdA=="])


class PaperOut(RowShape):
    """What is known of a file; `owner_id` is null where an office of the city sent it."""

    id: UUID
    owner_id: UUID | None
    name: str
    media_type: PaperMedia
    size: int = Field(description="octets")
    sha256: str
    created_at: datetime


@router.post("", status_code=201, summary="Send a paper")
async def file_paper(
    actor: FilePaper, session: Writing, now: Now, folder: PapersFolder, body: PaperIn
) -> PaperOut:
    """Kept as a file under its digest, which is compared first; never changed afterwards."""
    return PaperOut.of(await actions.file_paper(session, actor, folder, **dict(body), now=now))


@router.get("", summary="Papers")
async def list_papers(actor: ReadMarket, session: Reading, paging: Paging[UUID]) -> Page[PaperOut]:
    """All for overseers, its own for an organisation; in the order in which they were sent."""
    rows = await queries.list_papers(session, visible_to=actor, page=paging)
    return page_of(rows, paging, PaperOut.of, lambda paper: [paper.id])


@router.get("/{paper_id}", summary="What is known of a paper")
async def get_paper(actor: ReadMarket, session: Reading, paper_id: UUID) -> PaperOut:
    return PaperOut.of(await queries.get_paper(session, paper_id, visible_to=actor))


@router.get(
    "/{paper_id}/file",
    summary="The file of a paper",
    response_class=Response,
    responses={200: {"content": {media.value: BINARY for media in PaperMedia}}, 409: {}},
)
async def get_paper_file(
    actor: ReadMarket, session: Reading, folder: PapersFolder, paper_id: UUID
) -> Response:
    """Byte for byte, named by its digest."""
    paper = await queries.get_paper(session, paper_id, visible_to=actor)
    content = await read_aside(read_kept, folder, paper.sha256, paper.size)
    return attached(content, paper.media_type, paper.sha256)
