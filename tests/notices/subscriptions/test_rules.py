"""Which addresses are written to, how messages are signed, and how long is waited."""

import base64
from datetime import timedelta
from ipaddress import ip_address

import pytest

from datamarket.notices.subscriptions import rules
from datamarket.notices.subscriptions.addresses import open_address

CLOSED = (
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "100.100.100.200",
    "0.0.0.0",  # noqa: S104 - it is refused
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fd00:ec2::254",
    "ff02::1",
    "2001:db8::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::a00:1",
    "2002:7f00:1::",
    "2001:0:7f00:1::",
)


@pytest.mark.parametrize("address", CLOSED)
async def test_no_message_goes_to_an_address_that_is_not_public(address: str) -> None:
    async def one_of_two(_host: str, _port: int) -> list[str]:
        return ["8.8.8.8", address]

    assert not rules.is_public(ip_address(address))
    with pytest.raises(rules.AddressClosed) as refused:
        await open_address("https://portal.example/", (), one_of_two)
    assert address not in refused.value.sentence("en"), "what a name resolves to inside is not told"


@pytest.mark.parametrize("address", ["8.8.8.8", "223.5.5.5", "2400:3200::1", "::ffff:8.8.8.8"])
def test_public_addresses_are_open(address: str) -> None:
    assert rules.is_public(ip_address(address))


async def test_an_installation_opens_its_own_networks_and_there_http_will_do() -> None:
    async def own(_host: str, _port: int) -> list[str]:
        return ["10.20.0.7"]

    async def public(_host: str, _port: int) -> list[str]:
        return ["8.8.8.8"]

    networks = ("10.20.0.0/16",)
    assert await open_address("http://portal.inside/", networks, own) == ip_address("10.20.0.7")
    assert await open_address("https://portal.example/", networks, public) == ip_address("8.8.8.8")
    with pytest.raises(rules.AddressClosed):
        await open_address("http://portal.example/", networks, public)
    with pytest.raises(rules.AddressMalformed):
        await open_address("http://portal.inside/", (), own)


@pytest.mark.parametrize(
    "url",
    [
        "http://portal.example/",
        "ftp://portal.example/",
        "https://user:word@portal.example/",
        "https://portal.example/#part",
        "https:///path",
        "https://portal.example:99999/",
        "https://portal.example:0/",
        "https://[::1",
    ],
)
def test_an_address_is_a_whole_encrypted_url(url: str) -> None:
    with pytest.raises(rules.AddressMalformed):
        rules.host_of(url, plain=False)


async def test_a_name_that_resolves_to_nothing_is_told_apart_from_a_silent_name_server() -> None:
    async def nothing(_host: str, _port: int) -> list[str]:
        raise OSError

    async def silent(_host: str, _port: int) -> list[str]:
        raise TimeoutError

    with pytest.raises(rules.AddressUnknown):
        await open_address("https://portal.example/", (), nothing)
    with pytest.raises(rules.NamesNotResolved):
        await open_address("https://portal.example/", (), silent)


def test_a_signature_is_that_of_the_specification() -> None:
    """Standard Webhooks' own example: id, time, body and secret of its specification."""
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    told = rules.signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert told == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_each_wait_is_four_times_the_one_before_and_at_most_half_as_long_again() -> None:
    assert [rules.wait_after(failures, 0).total_seconds() for failures in (1, 2, 3)] == [5, 20, 80]
    assert rules.wait_after(9, 0) == rules.wait_after(10, 0) == timedelta(hours=6)
    assert rules.wait_after(1, 999) < timedelta(seconds=5) * 3 / 2
    whole = sum((rules.wait_after(n, 0) for n in range(1, rules.MOST_FAILURES)), timedelta())
    assert timedelta(hours=12) < whole < timedelta(hours=28)


def test_a_secret_follows_from_key_and_salt_and_from_neither_alone() -> None:
    one = rules.secret_of(b"key", b"salt")
    assert len(one) == 32
    assert one == rules.secret_of(b"key", b"salt")
    assert len({one, rules.secret_of(b"other", b"salt"), rules.secret_of(b"key", b"other")}) == 3
