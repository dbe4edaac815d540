"""A receiver that may be written to, and connectors that use it."""

from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio
from fastapi import FastAPI

from tests.conftest import ClientFor
from tests.world.connectors import Connector
from tests.world.receivers import LOOPBACK, Receiver, receiving
from tests.world.trading import Agreement

ConnectorFor = Callable[..., Connector]


@pytest_asyncio.fixture
async def receiver(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Receiver]:
    monkeypatch.setattr(app.state.sender, "networks", LOOPBACK)
    async with receiving(status=200) as opened:
        yield opened


@pytest.fixture
def connector_for(app: FastAPI, client_for: ClientFor, receiver: Receiver) -> ConnectorFor:
    def make(deal: Agreement, kind: str = "negotiations") -> Connector:
        return Connector(app, client_for, deal, receiver, kind)

    return make
