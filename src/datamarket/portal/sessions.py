"""Who is at the browser: tokens of the API in cookies that no script reads, and the token of each form.

`datamarket_access` and `datamarket_refresh` are what `POST /auth/token` answered; there is no session of another kind.
The token of a form is a MAC over a cookie of this browser alone: another site can neither read nor make one.
"""

import hmac
import re
import secrets
from typing import Any

from fastapi import Request, Response
from starlette.datastructures import FormData

from datamarket.foundation.errors import Forbidden, Language
from datamarket.foundation.inputs.requests import BodyTooLarge
from datamarket.portal.asking import Asker, Declined, Reply
from datamarket.portal.words.tongues import LANGUAGES

ACCESS, REFRESH, BROWSER, LANGUAGE = (
    f"datamarket_{name}" for name in ("access", "refresh", "browser", "language")
)
YEAR_SECONDS = 365 * 24 * 3600
FORM_OCTETS = 9 * 2**20
"""A paper of 8 MiB, and what is typed beside it."""
FORM_FIELDS = 2000
_HERE = re.compile(r"/(?![/\\])[^\\\s\x00-\x1f\x7f]*")


class FormForeign(Forbidden):
    code = "portal.form-foreign"
    zh = "该表单不是由本浏览器打开的页面提交的，或页面打开已久；请重新打开页面后再提交。"
    en = "This form was not sent from a page that this browser opened; open the page again, then submit."


class Visit:
    """One request of a browser: its language, its caller, and the API as that caller may ask it."""

    def __init__(self, request: Request, language: Language) -> None:
        self.request, self.language = request, language
        self.who: dict[str, Any] | None = None
        self.ask = Asker(request, language, request.cookies.get(ACCESS))
        self._browser = request.cookies.get(BROWSER) or secrets.token_urlsafe(24)
        self._set: dict[str, tuple[str, int]] = {}
        if BROWSER not in request.cookies:
            self._set[BROWSER] = (self._browser, YEAR_SECONDS)

    @property
    def path(self) -> str:
        """With its query: what one comes back to."""
        query = self.request.url.query
        return self.request.url.path + (f"?{query}" if query else "")

    @property
    def form_token(self) -> str:
        secret: bytes = self.request.app.state.cursor_secret
        return hmac.digest(secret, f"form {self._browser}".encode(), "sha256").hex()

    async def read_form(self) -> FormData:
        """What was sent, when a page of this browser sent it. Raises FormForeign, and BodyTooLarge before it is read whole."""
        sized = self.request.headers.get("content-length", "")
        if not sized.isdigit() or int(sized) > FORM_OCTETS:
            raise BodyTooLarge(kib=FORM_OCTETS >> 10)
        form = await self.request.form(max_fields=FORM_FIELDS, max_part_size=FORM_OCTETS)
        given = str(form.get("form_token", ""))
        if not hmac.compare_digest(given.encode(), self.form_token.encode()):
            raise FormForeign
        if self.request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
            raise FormForeign
        return form

    def may(self, permission: str) -> bool:
        return self.who is not None and permission in self.who["permissions"]

    async def wake(self) -> None:
        """Finds out who it is; a refresh token that is still good gives an access token again."""
        cookies = self.request.cookies
        if ACCESS in cookies:
            self.who = await self.ask.find("/auth/me")
        if self.who is None and REFRESH in cookies:
            try:
                pair = await self.plain().send(
                    "POST", "/auth/refresh", data={"refresh_token": cookies[REFRESH]}
                )
            except Declined as refused:
                if refused.problem.get("retryable"):
                    raise  # asked too often, or nobody to ask: the token may be as good as before
            else:
                await self.sign_in(pair)
        if self.who is None:
            self.forget()

    def plain(self) -> Asker:
        """The API as nobody in particular asks it."""
        return Asker(self.request, self.language, None)

    async def sign_in(self, pair: Reply) -> None:
        """From now on with the tokens of this answer."""
        settings, tokens = self.request.app.state.settings, pair.body
        self._set[ACCESS] = (tokens["access_token"], tokens["expires_in"])
        self._set[REFRESH] = (tokens["refresh_token"], settings.refresh_days * 24 * 3600)
        self.ask = Asker(self.request, self.language, tokens["access_token"])
        self.who = await self.ask.get("/auth/me")

    async def sign_out(self) -> None:
        """Ends every token of this sign-in."""
        token = self.request.cookies.get(REFRESH)
        if token:
            await self.plain().send("POST", "/auth/revoke", data={"refresh_token": token})
        self.forget()

    def forget(self) -> None:
        """No cookie of a caller stays; the API is asked as a visitor."""
        self.who, self.ask = None, self.plain()
        self._set.update({name: ("", 0) for name in (ACCESS, REFRESH) if name in self.request.cookies})

    def choose(self, language: str) -> None:
        if language in LANGUAGES:
            self._set[LANGUAGE] = (language, YEAR_SECONDS)

    def close(self, response: Response) -> Response:
        """The answer, with the cookies that have changed."""
        for name, (value, seconds) in self._set.items():
            response.set_cookie(
                name, value, max_age=seconds, httponly=True, samesite="lax", secure=self.request.url.scheme == "https"
            )  # fmt: skip
        return response


def language_of(request: Request, otherwise: Language) -> Language:
    """As chosen here before, or as the browser asks."""
    chosen = request.cookies.get(LANGUAGE)
    return next((language for language in LANGUAGES if language == chosen), otherwise)


def local(target: str | None, otherwise: str) -> str:
    """Where to go back to: a path of this host, never another. A browser takes a backslash for a slash, and drops tabs and line ends."""
    return target if target and _HERE.fullmatch(target) else otherwise
