"""Why a call failed. gRPC tells only the last of several failed attempts to connect, and never why a side hung up.

So where no connection may have come about, the server is dialled once more, with Python's own TLS, which says why.
"""

import socket
import ssl
import time

import grpc

from serving.client.connection import Connection, Tls
from serving.client.errors import ServingError, from_rpc_error, may_be_unreached, not_trusted, server_down

_SECONDS = 1.0  # shared by all hosts, name look-ups left out; a failed call must not take much longer to say so
_NOT_TLS = {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST"}


def explain(error: grpc.RpcError, connection: Connection, timeout: float | None = None) -> ServingError:
    """What a failed call means; may take a second to find out, and what looking up names takes.

    Args:
        error: As raised by a call on a channel.
        connection: That the channel was opened with.
        timeout: The call's deadline in seconds, for the message.
    """
    if may_be_unreached(error):
        try:
            trouble = _tls_trouble(connection)
        except OSError as refused:
            return server_down(connection.address, refused.strerror or str(refused), error.code())
        if trouble:
            return not_trusted(connection.address, trouble, error.code())
    return from_rpc_error(error, connection.address, timeout)


def _tls_trouble(connection: Connection) -> str | None:
    """What keeps TLS from being agreed on; None if nothing does.

    Raises:
        OSError: If no address takes a connection.
    """
    refused: OSError | None = None
    seconds = _SECONDS / max(1, len(connection.hosts))
    for host, port in connection.hosts:
        ends = time.monotonic() + seconds
        try:
            with socket.create_connection((host.strip("[]"), port), timeout=seconds) as plain:
                plain.settimeout(_left(ends))
                return _handshake(plain, host, connection.tls, ends) if connection.tls else _speaks_tls(plain)
        except OSError as error:
            refused = error
    if refused is not None:
        raise refused
    return None


def _left(ends: float) -> float:
    """Seconds until then, as a socket's timeout, which must not be 0."""
    return max(0.001, ends - time.monotonic())


def _handshake(plain: socket.socket, host: str, tls: Tls, ends: float) -> str | None:
    try:
        context = ssl.create_default_context(cafile=tls.ca)
        if tls.cert and tls.key:
            context.load_cert_chain(tls.cert, tls.key)
    except OSError as error:  # ssl.SSLError is one
        reason = getattr(error, "reason", None) or error.strerror or error
        return f"the certificates of this client do not fit together or are broken: {reason}"
    context.set_alpn_protocols(["h2"])
    try:
        with context.wrap_socket(plain, server_hostname=tls.server_name or host.strip("[]")) as secure:
            # A server that refuses a client's certificate says so only now. One that takes it waits for a request.
            secure.settimeout(_left(ends))
            if secure.recv(1) == b"":
                return "the server hung up; it may want a certificate of this client, or another one"
    except TimeoutError:
        return None
    except ssl.SSLCertVerificationError as error:
        return error.verify_message
    except ssl.SSLError as error:
        if error.reason in _NOT_TLS:
            return "the server does not speak TLS"
        return f"the server refused the handshake: {error.reason or error}"
    except OSError:
        return "the server hung up; it may want a certificate of this client, or another one"
    return None


def _speaks_tls(plain: socket.socket) -> str | None:
    """Servers of plain text hang up on a handshake."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    try:
        context.wrap_socket(plain).close()
    except OSError:
        return None
    return "the server speaks TLS and this client does not"
