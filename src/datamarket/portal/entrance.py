"""Signing in and out. What was typed into a form meanwhile is kept: after signing in it stands there again."""

import asyncio
from typing import Any

from starlette.responses import RedirectResponse

from datamarket.portal.asking import Declined
from datamarket.portal.operations import document_of
from datamarket.portal.pages import Shown, page, render
from datamarket.portal.sessions import Visit, local


@page("/sign-in", "entrance/sign_in.html")
async def sign_in(visit: Visit) -> Shown:
    """Who types a password goes on to a desk: what its pages are made of is read meanwhile."""
    asyncio.get_running_loop().run_in_executor(None, document_of, visit.request.app)
    return {"next": local(visit.request.query_params.get("next"), "/desk"), "kept": {}, "problem": None}


@page("/sign-in", methods=("POST",))
async def signed_in(visit: Visit) -> Shown:
    """Back to where one came from; a form that was sent without a caller is shown again as it was typed."""
    form = await visit.read_form()
    target = local(str(form.get("next", "")), "/desk")
    given = {name: str(form.get(name, "")) for name in ("username", "password")}
    try:
        pair = await visit.plain().send("POST", "/auth/token", data={"grant_type": "password"} | given)
    except Declined as refusal:
        return render(
            visit, "entrance/sign_in.html", refusal.status, next=target, kept=_kept(form), problem=refusal.problem,
            username=given["username"],
        )  # fmt: skip
    await visit.sign_in(pair)
    if not (kept := _kept(form)):
        return RedirectResponse(target, 303)
    return render(visit, "entrance/resume.html", target=target, kept=kept)


def _kept(form: Any) -> dict[str, str]:
    """What was typed into another form, by the names of its fields."""
    return {
        name.removeprefix("kept."): str(value)
        for name, value in form.multi_items()
        if name.startswith("kept.")
    }


@page("/sign-out", methods=("POST",))
async def sign_out(visit: Visit) -> Shown:
    await visit.read_form()
    await visit.sign_out()
    return RedirectResponse("/", 303)
