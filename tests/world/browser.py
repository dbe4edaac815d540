"""A browser without scripts: pages of the portal, their forms, and the cookies that they set."""

from html.parser import HTMLParser
from typing import Any

import httpx
from fastapi import FastAPI

from datamarket.auth.terms import Actor
from datamarket.portal.sessions import ACCESS
from tests.world.people import enrol

Values = dict[str, str]
OUR_WORDS = {"th", "dt", "label", "legend", "button", "summary", "option"}
"""Where a page speaks by itself, and shows no name that somebody gave."""


class PageRead(HTMLParser):
    """What a page says, its fields with their values, which of them are chosen, and where its forms and links lead."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.forms: list[Values] = []
        self.actions: list[str] = []
        self.links: list[str] = []
        self.texts: list[str] = []
        self.chosen: set[str] = set()
        self.ours: list[str] = []
        self._area = self._select = ""
        self._silent, self._tag = False, ""
        self.feed(text)

    @property
    def said(self) -> str:
        return " ".join(part for text in self.texts if (part := text.strip()))

    def form(self, action: str) -> Values:
        """The fields of the form that is sent to an address, as the page shows them."""
        return dict(self.forms[self.actions.index(action)])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self._silent, self._tag = tag in {"script", "style"}, tag
        if tag == "form":
            self.forms.append({})
            self.actions.append(given.get("action", ""))
        elif tag == "a":
            self.links.append(given.get("href", ""))
        elif tag == "select":
            self._select = given["name"]
        elif tag == "textarea":
            self._area = given["name"]
        if tag in {"input", "select", "textarea"} and self.forms:
            if tag == "select" or given.get("type") == "checkbox":
                self.chosen.add(given["name"])
            self.forms[-1].setdefault(given["name"], given.get("value", ""))
        elif tag == "option" and "selected" in given:
            self.forms[-1][self._select] = given["value"]

    def handle_endtag(self, tag: str) -> None:
        self._tag = ""
        if tag == "textarea":
            self._area = ""

    def handle_data(self, data: str) -> None:
        if self._area:
            self.forms[-1][self._area] += data
        elif not self._silent:
            self.texts.append(data)
            if self._tag in OUR_WORDS:
                self.ours.append(data)


class Browser:
    """One browser at the portal, signed in as nobody until it is told."""

    def __init__(self, app: FastAPI, language: str = "en") -> None:
        self.app = app
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        headers = {"Accept-Language": language}
        self.client = httpx.AsyncClient(transport=transport, base_url="http://market", headers=headers)

    async def become(self, who: Actor) -> "Browser":
        """From now on with a token of this actor, whose account is made."""
        await enrol(self.app.state.database, who)
        token = self.app.state.tokens.sign(who, now=self.app.state.read_clock())
        self.client.cookies.set(ACCESS, token, domain="market.local", path="/")
        return self

    async def open(self, path: str, status: int = 200) -> PageRead:
        answer = await self.client.get(path)
        assert answer.status_code == status, (path, answer.status_code, answer.text[-3000:])
        return PageRead(answer.text)

    async def send(self, path: str, values: Values, **more: Any) -> httpx.Response:
        """The form at an address with what it shows and these values."""
        shown = (await self.open(path)).form(path)
        return await self.client.post(path, data=shown | values, **more)
