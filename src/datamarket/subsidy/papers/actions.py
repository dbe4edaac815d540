"""Keeping a paper: its file first, then what is known of it."""

import base64
import binascii
import hashlib
from datetime import datetime
from pathlib import Path

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import Actor
from datamarket.evidence import actions as evidence
from datamarket.foundation.documents.kept import keep
from datamarket.foundation.documents.reading import read_aside
from datamarket.foundation.errors import Invalid
from datamarket.foundation.ids import new_id
from datamarket.subsidy.papers.tables import SubsidyPaper
from datamarket.subsidy.papers.terms import PaperMedia

MOST_BYTES = 8 * 2**20
"""Of one file: an audit report scanned at 150 dpi has some 100 KiB a page; in Base64 it fits the body of its route."""


class PaperUnreadable(Invalid):
    code = "subsidy.paper-unreadable"
    zh = "材料内容须为 Base64（RFC 4648）编码的非空文件，至多 {mib} MiB。"
    en = "The content is a file in Base64 (RFC 4648), not empty and of at most {mib} MiB."


class PaperDigestDiffers(Invalid):
    code = "subsidy.paper-digest-differs"
    zh = "收到的文件摘要为“{found}”，与申明的“{stated}”不一致：未保存任何内容，请核对后重新上传。"
    en = "The file received has the digest '{found}', not '{stated}' as stated: nothing was kept; compare and send it again."


async def file_paper(
    session: AsyncSession,
    actor: Actor,
    folder: Path,
    *,
    name: str,
    media_type: PaperMedia,
    sha256: str,
    content: str,
    now: datetime,
) -> SubsidyPaper:
    """A file in Base64 is kept below `folder`. Raises PaperUnreadable, PaperDigestDiffers."""
    paper = SubsidyPaper(
        id=new_id(now),
        owner_id=actor.participant_id,
        name=name,
        media_type=media_type,
        size=await read_aside(_kept, folder, content, sha256),
        sha256=sha256,
        account_id=actor.account_id,
        created_at=now,
    )
    session.add(paper)
    told = paper.model_dump(include={"name", "media_type", "size", "sha256"})
    await evidence.record(session, actor, "subsidy.file-paper", ("paper", paper.id), now=now, **told)
    return paper


async def file_text(
    session: AsyncSession, actor: Actor, folder: Path, name: str, content: str, *, now: datetime
) -> SubsidyPaper:
    """A paper that a program writes. Raises PaperUnreadable."""
    file = content.encode()
    return await file_paper(
        session,
        actor,
        folder,
        name=name,
        media_type=PaperMedia.TEXT,
        sha256=hashlib.sha256(file).hexdigest(),
        content=base64.b64encode(file).decode(),
        now=now,
    )


def _kept(folder: Path, content: str, stated: str) -> int:
    """Its size."""
    try:
        file = base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        file = b""
    if not 0 < len(file) <= MOST_BYTES:
        raise PaperUnreadable(mib=MOST_BYTES >> 20)
    found = hashlib.sha256(file).hexdigest()
    if found != stated:
        raise PaperDigestDiffers(found=found, stated=stated)
    keep(folder, file)
    return len(file)
