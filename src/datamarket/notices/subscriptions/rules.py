"""What decides about a subscription: its life, where messages may go, how they are signed, when they are sent again."""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from datetime import timedelta
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_network
from urllib.parse import urlsplit

from datamarket.foundation.errors import Conflict, Invalid, Refused, Unavailable
from datamarket.foundation.states import Life
from datamarket.notices.subscriptions.terms import SubscriptionEvent, SubscriptionState

S, E = SubscriptionState, SubscriptionEvent
SUBSCRIPTION_LIFE = Life(
    "subscription",
    "订阅",
    "Subscription",
    {
        (S.ACTIVE, E.PAUSE): S.PAUSED,
        (S.ACTIVE, E.REPLAY): S.ACTIVE,
        (S.PAUSED, E.REPLAY): S.ACTIVE,
        (S.ACTIVE, E.END): S.ENDED,
        (S.PAUSED, E.END): S.ENDED,
    },
)
MOST_SUBSCRIPTIONS = 10
"""That are not ended, an account: each is read the feed for."""
MOST_FAILURES = 10
"""In a row; by then a receiver has been away for 14 to 28 hours."""
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=5), timedelta(hours=6)
"""Each wait is four times the one before, as the schedule that Standard Webhooks 1.0.0 recommends grows: 5 s to hours."""
SIGNED_AS = "v1"
"""Standard Webhooks 1.0.0: HMAC-SHA256 with a symmetric secret."""
SECRET_PREFIX = "whsec_"  # noqa: S105 - what every such secret begins with, by Standard Webhooks
_TRANSLATED = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"), IPv6Network("2002::/16"))
"""NAT64 (RFC 6052, RFC 8215) and 6to4 (RFC 3056): there an IPv4 address stands inside, a private one, too."""


class AddressMalformed(Invalid):
    code = "subscription.address-malformed"
    zh = "接收地址须为 https:// 开头的完整网址，不含用户名、密码与片段。"
    en = "The address must be a whole https:// URL, without user name, password or fragment."


class AddressClosed(Refused):
    code = "subscription.address-closed"
    zh = "不向“{host}”发送消息：仅发送至公网地址。"
    en = "No message is sent to '{host}': only public addresses are written to."


class AddressUnknown(Refused):
    code = "subscription.address-unknown"
    zh = "主机名“{host}”无法解析为地址。"
    en = "The host name '{host}' does not resolve to an address."


class NamesNotResolved(Unavailable):
    code = "subscription.names-not-resolved"
    zh = "域名解析暂时没有答复，本次未产生任何变更，请稍后重试。"
    en = "Names are not resolved just now; nothing was changed. Retry in a moment."


class SubscriptionsTooMany(Conflict):
    code = "subscription.too-many"
    zh = "每个账户最多 {most} 个订阅；请先终止不用的订阅。"
    en = "An account has {most} subscriptions at most; end one that is not used."


class PositionAhead(Invalid):
    code = "subscription.position-ahead"
    zh = "序号 {position} 尚未出现；事件流目前到 {end}。"
    en = "There is no position {position} yet; the feed ends at {end}."


Address = IPv4Address | IPv6Address


def host_of(url: str, *, plain: bool) -> tuple[str, int]:
    """Host and port of an address that may be written to; `http` where `plain` allows it. Raises AddressMalformed."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise AddressMalformed from None
    schemes = {"https": 443} | ({"http": 80} if plain else {})
    if not host or parts.scheme not in schemes or parts.username is not None or parts.fragment or port == 0:
        raise AddressMalformed
    return host, port or schemes[parts.scheme]


def is_public(address: Address) -> bool:
    """Not private, loopback, link-local (cloud metadata), shared (CGNAT), multicast or reserved, nor a way to such a one."""
    address = plain_of(address)
    translated = isinstance(address, IPv6Address) and any(address in network for network in _TRANSLATED)
    return address.is_global and not (address.is_multicast or address.is_reserved or translated)


def is_own(address: Address, networks: Sequence[str]) -> bool:
    """Whether it is of the installation's own networks, which may be written to though they are not public."""
    return any(plain_of(address) in ip_network(network) for network in networks)


def plain_of(address: Address) -> Address:
    """The IPv4 address that an IPv6 one only writes differently (`::ffff:10.0.0.1`), or the address itself."""
    return getattr(address, "ipv4_mapped", None) or address


def secret_of(key: bytes, salt: bytes) -> bytes:
    """32 bytes that follow from the server's own key and a subscription's salt: neither alone tells them."""
    return hmac.digest(key, salt, hashlib.sha256)


def shown(secret: bytes) -> str:
    """As the receiver keeps it."""
    return SECRET_PREFIX + base64.b64encode(secret).decode()


def signature(secret: bytes, message_id: str, at_seconds: int, body: bytes) -> str:
    """The header `webhook-signature`: over id, time and body, so that none can be changed, or sent again later."""
    signed = f"{message_id}.{at_seconds}.".encode() + body
    return f"{SIGNED_AS},{base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode()}"


def wait_after(failures: int, chance: int) -> timedelta:
    """Until the next attempt after so many failures; `chance` (0 to 999 thousandths) makes it up to half as long again.

    So receivers that came back together are not all written to at once.
    """
    wait = min(FIRST_WAIT * (1 << 2 * (failures - 1)), LONGEST_WAIT)
    return wait + wait * chance // 2000
