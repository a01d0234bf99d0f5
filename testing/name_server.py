"""A name server on this machine that knows one name, with all its addresses: a headless Service, as clients see it."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address

_A, _IN = 1, 1


class NameServer:
    """Answers over UDP (RFC 1035).

    Attributes:
        addresses: Of the name; may be changed while it runs.
        port: Where it listens.
        asked: How often it was asked for the addresses.
    """

    def __init__(self, name: str, addresses: list[str]):
        self._name = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
        self.addresses = addresses
        self.asked = 0
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]

    def serve(self) -> None:
        """Until an empty message comes."""
        while True:
            query, sender = self._socket.recvfrom(1024)
            if not query:
                self._socket.close()
                return
            self._socket.sendto(self._answer(query), sender)

    def stop(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"", ("127.0.0.1", self.port))

    def _answer(self, query: bytes) -> bytes:
        end = query.index(b"\0", 12) + 5  # the name, its type and its class
        question = query[12:end]
        (kind,) = struct.unpack(">H", question[-4:-2])
        known = question.startswith(self._name)  # whatever search domain comes behind it
        addresses = self.addresses if known and kind == _A else []
        self.asked += known and kind == _A
        header = query[:2] + struct.pack(">HHHHH", 0x8180 if known else 0x8183, 1, len(addresses), 0, 0)
        records = [struct.pack(">HHHIH", 0xC00C, _A, _IN, 1, 4) + IPv4Address(a).packed for a in addresses]
        return header + question + b"".join(records)


@contextmanager
def naming(name: str, addresses: list[str]) -> Iterator[NameServer]:
    """A name server for the time of a test."""
    server = NameServer(name, addresses)
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join()
