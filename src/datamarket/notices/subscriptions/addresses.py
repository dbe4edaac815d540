"""From a host name to an address that may be written to: asked anew before each message, so that no name changes its mind."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address

from datamarket.notices.subscriptions.rules import (
    Address,
    AddressClosed,
    AddressUnknown,
    NamesNotResolved,
    host_of,
    is_own,
    is_public,
)

RESOLVE_SECONDS = 2
_RESOLVERS = ThreadPoolExecutor(4, "resolve")
"""Of their own: a name server that hangs holds up other names, not the hashing of passwords."""
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


async def look_up(host: str, port: int) -> list[str]:
    """The addresses of a name, as the system's resolver gives them. Raises OSError."""
    loop = asyncio.get_running_loop()
    found = await loop.run_in_executor(_RESOLVERS, socket.getaddrinfo, host, port, 0, socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


async def open_address(url: str, networks: Sequence[str], resolve: Resolve = look_up) -> Address:
    """Where to connect to for a URL: its first address, when all of its addresses are open.

    Raises AddressMalformed, AddressClosed, AddressUnknown, NamesNotResolved.
    """
    host, port = host_of(url, plain=bool(networks))
    try:
        async with asyncio.timeout(RESOLVE_SECONDS):
            addresses = [ip_address(told.partition("%")[0]) for told in await resolve(host, port)]
    except TimeoutError:
        raise NamesNotResolved from None
    except (OSError, UnicodeError):
        raise AddressUnknown(host=host) from None
    if not addresses:
        raise AddressUnknown(host=host)
    encrypted = url.startswith("https:")
    if not all(is_own(address, networks) or (encrypted and is_public(address)) for address in addresses):
        raise AddressClosed(host=host)
    return addresses[0]
