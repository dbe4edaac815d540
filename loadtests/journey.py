"""What every journey does: sign in, call a path under a grouped name, count each refusal by its code."""

import os
import random
import time
from collections.abc import Collection, Mapping
from typing import Any, NoReturn

from locust import FastHttpUser
from locust.exception import StopUser

from datamarket.foundation.clock import read_clock
from datamarket.foundation.ids import new_id
from loadtests.report import LATER, REFUSED

BASE = "/api/v1"
TOKEN_SECONDS = 600
PASSWORD = os.environ.get("DATAMARKET_DEMO_PASSWORD", "")
RETRY_SECONDS = 5.0
"""The longest that a journey waits when it is told to come again; it does so until the load ends."""
KEPT_SECONDS = 3.0
"""Who thinks for longer begins a new connection: after five seconds (the default of uvicorn) the server ends an
idle one, and what was just then sent on it is lost.
"""
Headers = Mapping[str, str]


class Account:
    """A demo account, signed in again before its token ends."""

    def __init__(self, username: str) -> None:
        self.username = username
        self.token = ""
        self.signed_in = -float(TOKEN_SECONDS)


class Journey(FastHttpUser):
    """A user of the market; a subclass says what one does there."""

    abstract = True
    network_timeout = 30.0
    connection_timeout = 10.0
    asked_at = 0.0

    def give_up(self, why: str) -> NoReturn:
        """End this user, and count that as a failure: a journey that never began proves nothing."""
        told = {"request_type": "", "name": "journey ended early", "response_time": 0, "response_length": 0}
        self.environment.events.request.fire(**told, exception=RuntimeError(why), context={})
        raise StopUser

    def sign_in(self, username: str) -> Account:
        """Gives up when the account is not there: nothing of the journey would work."""
        account = Account(username)
        self.bearer(account)
        return account

    def bearer(self, account: Account) -> dict[str, str]:
        """The header of a token that is still good."""
        if time.monotonic() - account.signed_in >= TOKEN_SECONDS:
            form = f"grant_type=password&username={account.username}&password={PASSWORD}"
            kind = {"Content-Type": "application/x-www-form-urlencoded"}
            issued = self.call("POST", "/auth/token", "sign in", data=form, headers=kind)
            if issued is None:
                self.give_up(f"{account.username} cannot sign in")
            account.token = issued["access_token"]
            account.signed_in = time.monotonic()
        return {"Authorization": f"Bearer {account.token}"}

    def read(self, path: str, name: str, by: Account | None = None, headers: Headers | None = None) -> Any:
        """The answer of a GET, or None when there was none to use."""
        return self.call("GET", path, name, by=by, headers=headers)

    def write(
        self, path: str, name: str, body: object, *, by: Account, may_refuse: Collection[str] = ()
    ) -> Any:
        """The answer of a POST under a fresh key, or None when it was refused."""
        key = {"Idempotency-Key": new_id(read_clock()).hex}
        return self.call("POST", path, name, by=by, json=body, headers=key, may_refuse=may_refuse)

    def call(
        self,
        method: str,
        path: str,
        name: str,
        *,
        by: Account | None = None,
        headers: Headers | None = None,
        may_refuse: Collection[str] = (),
        **content: Any,
    ) -> Any:
        """One request, sent again under its key for as long as it is told to come again; its answer, or None.

        Codes in `may_refuse` are the market's right answer, counted apart; any other refusal is a failure.
        """
        sent = {"Accept-Language": random.choice(("zh", "en")), **(headers or {})}
        if by is not None:
            sent |= self.bearer(by)
        while True:
            if time.monotonic() - self.asked_at > KEPT_SECONDS:
                self.client.client.close()
            self.asked_at = time.monotonic()
            request = self.client.request(
                method, BASE + path, name=name, headers=sent, catch_response=True, **content
            )
            with request as response:
                wait = wait_told(response)
                if wait is None:
                    return told(response, name, may_refuse)
                response.request_meta["name"] = f"{name}{LATER}{problem_code(response)}"
                response.success()
            time.sleep(min(wait, RETRY_SECONDS))  # Locust makes it wait for this user alone


def told(response: Any, name: str, may_refuse: Collection[str]) -> Any:
    """What was answered, counted as what it is."""
    if response.status_code in {200, 201, 204, 304}:
        response.success()
        return response.json() if response.status_code in {200, 201} else None
    code = problem_code(response)
    if code in may_refuse:
        response.request_meta["name"] = f"{name}{REFUSED}{code}"
        response.success()
    else:
        response.failure(f"{response.status_code} {code} {response.error or ''}".strip())
    return None


def wait_told(response: Any) -> float | None:
    """Back-pressure: the seconds after which a 429 or 503 says to come again."""
    given: Headers = response.headers or {}  # none where the connection failed
    if response.status_code not in {429, 503} or "Retry-After" not in given:
        return None
    return float(given["Retry-After"])


def problem_code(response: Any) -> str:
    """The stable code of a refusal, or what was there instead."""
    try:
        return str(response.json()["code"])
    except (ValueError, KeyError, TypeError):
        return "no problem document"
