"""One POST to the very address that was checked. Its library costs 6 MiB and a quarter of a second: loaded by who first sends."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from ipaddress import IPv6Address
from urllib.parse import urlsplit

import httpx

from datamarket.notices.subscriptions.addresses import Resolve, open_address

_TRUST = httpx.create_ssl_context()


@asynccontextmanager
async def opened() -> AsyncIterator[httpx.AsyncClient]:
    """For the messages to one receiver: connections are shared with no other, since they are known by address alone."""
    limits = httpx.Limits(max_connections=1)
    async with httpx.AsyncClient(verify=_TRUST, trust_env=False, limits=limits, timeout=None) as client:  # noqa: S113 - the caller has one deadline for all
        yield client


async def post(
    client: httpx.AsyncClient,
    url: str,
    headers: dict[str, str],
    body: bytes,
    *,
    networks: Sequence[str],
    resolve: Resolve,
) -> int:
    """The status of the answer, of which the body is not read; the certificate must be the name's.

    The name is resolved once, and a redirect is an answer like any other. Raises what `open_address` raises, and OSError.
    """
    address = await open_address(url, networks, resolve)
    parts = urlsplit(url)
    shown = f"[{address}]" if isinstance(address, IPv6Address) else str(address)
    try:
        target = httpx.URL(url).copy_with(host=shown)
        named, sni = headers | {"Host": parts.netloc}, {"sni_hostname": parts.hostname}
        request = client.build_request("POST", target, content=body, headers=named, extensions=sni)
        answer = await client.send(request, stream=True, follow_redirects=False)
        await answer.aclose()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ConnectionError from error
    return answer.status_code
