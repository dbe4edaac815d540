"""Evidence for everyone: the newest checkpoint, and a document of the market looked at check by check."""

from typing import Any

from starlette.datastructures import UploadFile

from datamarket.portal.asking import Declined
from datamarket.portal.pages import Shown, page, render
from datamarket.portal.sessions import Visit

MOST_OCTETS = 2**18


@page("/evidence", "visitors/evidence.html")
async def evidence(visit: Visit) -> Shown:
    """What was sealed last, and a form for what one holds."""
    return {**await _log(visit), "document": "", "verdict": None, "problem": None}


@page("/evidence", methods=("POST",))
async def verify(visit: Visit) -> Shown:
    """What the API says of a pasted text, or of a file; the text stands there again."""
    form = await visit.read_form()
    file, document = form.get("file"), str(form.get("document", ""))
    if isinstance(file, UploadFile) and file.filename:
        document = (await file.read(MOST_OCTETS + 1)).decode("utf-8-sig", "replace")
    await form.close()
    document = document.replace("\r\n", "\n").replace("\x00", "")  # as a browser sends what was pasted
    shown = {**await _log(visit), "document": document if len(document) <= MOST_OCTETS else ""}
    try:
        reply = await visit.ask.send("POST", "/evidence/verify", json={"document": document})
    except Declined as refusal:
        return render(
            visit, "visitors/evidence.html", refusal.status, **shown, verdict=None, problem=refusal.problem
        )
    return render(visit, "visitors/evidence.html", **shown, verdict=reply.body, problem=None)


async def _log(visit: Visit) -> dict[str, Any]:
    """The newest checkpoint, none before anything is sealed, and the line of the key."""
    key = await visit.ask.get("/evidence/key")
    return {"checkpoint": await visit.ask.find("/evidence/checkpoints/latest"), "key": key.decode().strip()}
