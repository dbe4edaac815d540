"""One frozen object, read once at the start and passed on; no secret has a default."""

from ipaddress import ip_network
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, AliasChoices, BeforeValidator, Field
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from datamarket.foundation.inputs.texts import ValueFault


def _parted(value: object) -> object:
    """'https://a.example, https://b.example' → two of them."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _checked_rate(text: str) -> str:
    """Raises ValueFault for what the `limits` library cannot read."""
    from limits import parse  # noqa: PLC0415 - of the commands only `serve` limits anybody

    try:
        parse(text)
    except ValueError:
        raise ValueFault("应形如 3000/second 或 20/5 minutes", "write 3000/second or 20/5 minutes") from None
    return text


def _checked_network(text: str) -> str:
    """Raises ValueFault for what is no network."""
    try:
        ip_network(text)
    except ValueError:
        raise ValueFault("应形如 10.20.0.0/16", "write 10.20.0.0/16") from None
    return text


Network = Annotated[str, AfterValidator(_checked_network)]
"""An address and the bits of its network, as CIDR writes them."""
RequestRate = Annotated[str, AfterValidator(_checked_rate)]
"""In the notation of the `limits` library."""


class Settings(BaseSettings):
    """Everything that differs between two installations, from the environment."""

    model_config = SettingsConfigDict(
        env_prefix="DATAMARKET_", frozen=True, extra="ignore", populate_by_name=True
    )

    database_url: str = Field(default="", validation_alias=AliasChoices("database_url", "DATABASE_URL"))
    """Empty: the embedded PostgreSQL below `var`. Else any PostgreSQL from version 15 on."""

    replica_url: str = Field(default="", validation_alias=AliasChoices("replica_url", "DATABASE_REPLICA_URL"))
    """A streaming replica of that server, for the reads that may lag; empty: the primary answers all."""

    replica_lag_seconds: int = Field(default=5, ge=1, le=3600)
    """A replica that is further behind is not read: as long as the sealer takes for a block, which readers wait for, too."""

    var: Path = Path("var")
    """Where the embedded database, the signing key and exports live."""

    database_name: str = "datamarket"
    """The database inside the embedded server."""

    ledger_id: int = 370200
    """The market this process serves: the city's GB/T 2260 code."""

    pool_size: int = Field(default=6, ge=1, le=50)
    """Connections of each of the two pools (sessions, and plain asyncpg for the hot paths)."""

    request_deadline_seconds: int = Field(default=4, ge=1, le=3600)
    """How long a request may wait for the database, all in all; what is known to be long has its own deadline."""

    requests_at_once: int = Field(default=40, ge=1, le=100_000)
    """That one worker takes in; the next is told to come again. Over all that wait: who is taken is soon served."""

    signing_key: Path | None = None
    """PEM file of the P-256 key that signs tokens; made below `var` when not given."""

    issuer: str = "datamarket"
    audience: str = "datamarket-api"
    access_minutes: int = Field(default=15, ge=1, le=60)
    refresh_days: int = Field(default=14, ge=1, le=90)

    rate_limit: RequestRate = "3000/second"
    """Requests one caller may make."""

    sign_in_limit: RequestRate = "30/minute"
    """Attempts to sign in that one address may make: password guessing is slow."""

    refresh_limit: RequestRate = "300/minute"
    """Refreshes and sign-outs of one address: an office of many tabs behind one address, and no guessing."""

    username_limit: RequestRate = "20/5 minutes"
    """Attempts at one user name from addresses that it never came in from."""

    trusted_proxies: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_parted)] = ()
    """Addresses or networks whose X-Forwarded-For is believed, parted by commas; nobody's by default."""

    connections: int = Field(default=500, ge=1, le=100_000)
    """Open at once in one worker; each is a file, of which most systems give a process 1,024."""

    head_seconds: int = Field(default=10, ge=1, le=600)
    """From the first byte of a request to the end of its headers, and as long without any request."""

    body_seconds: int = Field(default=30, ge=1, le=3600)
    """From there to the end of its body: 16 MiB at 4.5 Mbit/s."""

    cors_origins: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_parted)] = ()
    """Which web pages may call the API, parted by commas; none by default."""

    webhook_networks: Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_parted)] = ()
    """Networks, parted by commas, that subscriptions may be sent to though they are not public; there http will do."""

    public_url: str = "http://127.0.0.1:8000"
    """Under which the API is reached from outside, without a path: connectors are told addresses below it."""

    demo_password: str | None = None
    log_requests: bool = True

    @property
    def server_folder(self) -> Path:
        """Where the embedded server keeps its data."""
        return (self.var / "postgres").resolve()

    @property
    def checkpoints(self) -> Path:
        """Where checkpoints of sealed logs are kept outside the database: a folder a ledger, in it one a database."""
        return self.var / "checkpoints"

    @property
    def papers(self) -> Path:
        """Where files that a subsidy stands on are kept, by their digest."""
        return self.var / "papers"
