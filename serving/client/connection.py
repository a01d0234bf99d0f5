"""Where a server is and how to reach it: addresses, TLS, and what gRPC is told about retries, balancing and keepalive.

    localhost:8500                        one server; the port may be left out
    dns:///models.example:8500            every address that the name stands for, in turns
    10.0.0.1:8500,10.0.0.2:8500           these, in turns; also as ipv4:10.0.0.1:8500,10.0.0.2:8500
    unix:/run/models.sock                 a socket on this machine

Reference: gRPC's naming (grpc/doc/naming.md), service config (grpc/doc/service_config.md) and retries (gRFC A6).
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from os import PathLike
from pathlib import Path
from typing import Any

import grpc

from serving import DEFAULT_PORT
from serving.client.errors import ConnectionSettingsError

DEFAULT_MAX_MESSAGE_BYTES = 512 * 2**20  # more than the largest photo as PNG

_SCHEME = re.compile(r"(dns|ipv4|ipv6|unix):(.*)", re.DOTALL)
_HOST_PORT = re.compile(r"(?P<host>\[[0-9a-fA-F:.%]+\]|[A-Za-z0-9_.-]+)(:(?P<port>[0-9]{1,5}))?")
_MAX_ATTEMPTS = 5  # gRPC takes no more

# Both happen when a connection breaks, UNKNOWN ("Stream removed") with older servers and proxies. A policy sees codes,
# not texts, so it repeats every UNKNOWN: harmless, since all calls only read and their answers do not depend on earlier
# ones, and rare, since TensorFlow Serving has better codes for nearly all that goes wrong. CANCELLED is that of
# a server or proxy which resets a call; one that is cancelled here is over and never sent again.
_RETRIED_CODES = ("UNAVAILABLE", "UNKNOWN", "CANCELLED")


@dataclass(frozen=True, kw_only=True)
class Retries:
    """How often and when gRPC sends a call again, within its deadline, that failed in a way that may pass.

    That is with UNAVAILABLE, UNKNOWN, or a CANCELLED that this side did not ask for.
    Waits grow by `multiplier` and vary by a fifth, so that clients do not all come back at once.

    Attributes:
        attempts: Sendings in all, 1 (no retries) to 5.
        initial_backoff: Seconds before the second.
        max_backoff: Seconds between two at most.
        multiplier: Growth of the wait.
    """

    attempts: int = _MAX_ATTEMPTS
    initial_backoff: float = 0.2
    max_backoff: float = 5.0
    multiplier: float = 2.0

    def __post_init__(self) -> None:
        if not 1 <= self.attempts <= _MAX_ATTEMPTS:
            raise ConnectionSettingsError(f"Expected 1 to {_MAX_ATTEMPTS} attempts, got {self.attempts}.")
        if not (self.initial_backoff > 0 and self.max_backoff > 0 and self.multiplier > 0):
            raise ConnectionSettingsError(f"Expected backoffs and a multiplier above 0, got {self}.")

    def _policy(self) -> dict[str, Any]:
        return {
            "maxAttempts": self.attempts,
            "initialBackoff": f"{self.initial_backoff:.3f}s",
            "maxBackoff": f"{self.max_backoff:.3f}s",
            "backoffMultiplier": self.multiplier,
            "retryableStatusCodes": _RETRIED_CODES,
        }


@dataclass(frozen=True, kw_only=True)
class Tls:
    """Encrypt, and check who is at the other end; with a certificate of one's own, both sides do (mutual TLS).

    Attributes:
        ca: PEM file of the authorities that may vouch for the server; None takes the well-known ones.
        cert: PEM file of this client's certificate and what lies between it and its authority.
        key: PEM file of that certificate's private key.
        server_name: The name that the server's certificate must carry, where it is not the host of the address.
    """

    ca: str | PathLike[str] | None = None
    cert: str | PathLike[str] | None = None
    key: str | PathLike[str] | None = None
    server_name: str | None = None

    def credentials(self) -> grpc.ChannelCredentials:
        """For a channel.

        Raises:
            ConnectionSettingsError: If a file cannot be read or is no PEM, or a certificate comes without key.
        """
        if (self.cert is None) != (self.key is None):
            raise ConnectionSettingsError(
                "Expected a client certificate and its private key, got only one of them; give both or none."
            )
        return grpc.ssl_channel_credentials(
            _read_pem(self.ca, "CERTIFICATE"),
            _read_pem(self.key, "PRIVATE KEY"),
            _read_pem(self.cert, "CERTIFICATE"),
        )


@dataclass(frozen=True, kw_only=True)
class Keepalive:
    """When a server that says nothing is asked for a sign of life, while a call waits for its answer.

    Servers hang up at the fifth ping that comes sooner than 300 s after the one before (`too_many_pings`), so calls
    that may take long have rarer ones.

    Attributes:
        ping_after: Seconds of silence before each; None is a quarter of the longest wait, 60 to 310.
        answer_within: Seconds for the answer; without one the connection is given up.
    """

    ping_after: float | None = None
    answer_within: float = 20.0

    def seconds(self, longest_wait: float | None) -> float:
        """Of silence before a ping, for calls that wait so many seconds at most; None: nobody knows."""
        tolerated = 310.0
        if self.ping_after is not None:
            return self.ping_after
        return tolerated if longest_wait is None else min(tolerated, max(60.0, longest_wait / 4))


class Connection:
    """One server, or several that answer alike, and how to reach them. Nothing is sent from here.

    Args:
        address: As at the head of this file; several also as a list.
        tls: None sends in plain text.
        retries: None takes gRPC's policy of `Retries()`.
        max_message_bytes: Of a request or an answer.
        longest_wait: Seconds that calls wait for an answer at most; None: nobody knows.
        keepalive: None takes that of `Keepalive()`.

    Attributes:
        address: As given, for messages.
        target: As gRPC writes it.
        hosts: Pairs of host and port; none for a socket on this machine.

    Raises:
        ConnectionSettingsError: If an address, a certificate's file or the limit is wrong.
    """

    def __init__(
        self,
        address: str | Sequence[str],
        *,
        tls: Tls | None = None,
        retries: Retries | None = None,
        max_message_bytes: int = DEFAULT_MAX_MESSAGE_BYTES,
        longest_wait: float | None = None,
        keepalive: Keepalive | None = None,
    ):
        if not 0 < max_message_bytes < 2**31:
            raise ConnectionSettingsError(f"Expected a message limit of 1 byte to 2 GiB, got {max_message_bytes}.")
        self.address = address if isinstance(address, str) else ",".join(address)
        self.target, self.hosts = _parse(self.address)
        self.tls = tls
        self._credentials = tls.credentials() if tls else None
        self._options = _options(retries or Retries(), max_message_bytes, keepalive or Keepalive(), longest_wait)
        if tls and tls.server_name:
            self._options.append(("grpc.ssl_target_name_override", tls.server_name))

    def open(self, grpc_module: Any) -> Any:
        """A channel of `grpc` or of `grpc.aio`; it connects with the first call."""
        if self._credentials is None:
            return grpc_module.insecure_channel(self.target, options=self._options)
        return grpc_module.secure_channel(self.target, self._credentials, options=self._options)


def _parse(address: str) -> tuple[str, list[tuple[str, int]]]:
    match = _SCHEME.fullmatch(address)
    scheme, rest = match.groups() if match else ("", address)
    if scheme == "unix":
        return address, []
    if scheme == "dns":
        authority, slash, name = rest.rpartition("/")
        host, port = _host_port(name, address)
        return f"dns:{authority}{slash}{host}:{port}", [(host, port)]
    hosts = [_host_port(part.strip(), address) for part in rest.split(",")]
    if not scheme and len(hosts) == 1:
        host, port = hosts[0]
        return f"{host}:{port}", hosts
    hosts = [("127.0.0.1" if host == "localhost" else host, port) for host, port in hosts]
    kinds = {type(_ip(host)) for host, _ in hosts}
    if kinds == {IPv4Address} and scheme != "ipv6":
        scheme = "ipv4"
    elif kinds == {IPv6Address} and scheme != "ipv4":
        scheme = "ipv6"
    else:
        raise ConnectionSettingsError(
            f"Expected IP addresses of one kind in a list of servers, got {address!r}; gRPC looks up one name only: "
            "give all servers the same name in DNS and write dns:///NAME:PORT."
        )
    return scheme + ":" + ",".join(f"{host}:{port}" for host, port in hosts), hosts


def _host_port(text: str, address: str) -> tuple[str, int]:
    match = _HOST_PORT.fullmatch(text)
    port = int(match["port"] or DEFAULT_PORT) if match else 0
    if match is None or not 0 < port < 65536:
        hint = "; gRPC addresses have no http://." if "://" in address else "."
        raise ConnectionSettingsError(
            f"Expected HOST:PORT, several with commas between, or dns:///NAME:PORT, got {address!r}{hint}"
        )
    return match["host"], port


def _ip(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host.strip("[]"))
    except ValueError:
        return None


def _options(
    retries: Retries, max_message_bytes: int, keepalive: Keepalive, longest_wait: float | None
) -> list[tuple[str, Any]]:
    config: dict[str, Any] = {"loadBalancingConfig": [{"round_robin": {}}]}
    if retries.attempts > 1:
        config["methodConfig"] = [{"name": [{}], "retryPolicy": retries._policy()}]
    return [
        ("grpc.service_config", json.dumps(config)),
        ("grpc.service_config_disable_resolution", 1),  # DNS must not replace it
        # gRPC keeps 256 KiB of a call to send again, and never retries a larger one: any photo.
        ("grpc.per_rpc_retry_buffer_size", max_message_bytes),
        ("grpc.max_send_message_length", max_message_bytes),
        ("grpc.max_receive_message_length", max_message_bytes),
        # Servers come and go under one name, which is looked up when a connection ends, but by default not again within
        # 30 seconds.
        ("grpc.dns_min_time_between_resolutions_ms", 10_000),
        # Else it grows to two minutes, in which nobody tries whether a server is back.
        ("grpc.max_reconnect_backoff_ms", 2000),
        # Notices that the other machine is gone without a word.
        ("grpc.keepalive_time_ms", round(1000 * keepalive.seconds(longest_wait))),
        ("grpc.keepalive_timeout_ms", round(1000 * keepalive.answer_within)),
        (
            "grpc.http2.ping_timeout_ms",
            round(1000 * keepalive.answer_within),
        ),  # a minute by default, however short the one above
    ]


def _read_pem(path: str | PathLike[str] | None, kind: str) -> bytes | None:
    if path is None:
        return None
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise ConnectionSettingsError(f"{path}: cannot be read: {error.strerror}.") from None
    if not re.search(rb"-----BEGIN [A-Z ]*" + kind.encode() + b"-----", data):
        raise ConnectionSettingsError(f"{path}: expected a PEM file with a {kind}, got something else.")
    return data
