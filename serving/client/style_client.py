"""Talk to a server of style transfer models, TensorFlow Serving or ours, without TensorFlow.

with StyleClient("localhost:8500") as client:
    client.stylize("photo.jpg", "starry_night:60,the_scream:40").save("stylized.jpg")

async with AsyncStyleClient("localhost:8500") as client:
    stylized = await client.stylize_encoded(photo_bytes, "the_scream", timeout=30)
"""

import asyncio
import threading
import time
from collections.abc import Mapping, Sequence
from functools import partial
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

import grpc
import numpy as np

from serving.client.calls import METHODS, Call, Calls, Operation, Returned, VersionStatus, advance
from serving.client.connection import DEFAULT_MAX_MESSAGE_BYTES, Connection, Keepalive, Retries, Tls
from serving.client.diagnosis import explain
from serving.client.errors import ClientClosedError, ConnectionSettingsError, ServingError
from tfstyle.contract.catalog import Catalog
from tfstyle.contract.signatures import Signature
from tfstyle.contract.style_mix import StyleMix
from tfstyle.contract.style_vector import StyleTable, StyleVector
from tfstyle.imaging.photo import Photo, PhotoSource
from tfstyle.model_store.versions import DEFAULT_MODEL
from tfstyle.stylize.options import StylizeKeywords, StylizeOptions
from tfstyle.stylize.request import EncodedImage
from tfstyle.stylize.style_request import StyleRequest

DEFAULT_TIMEOUT = 120.0  # seconds; long enough for the largest photo on a slow CPU

T = TypeVar("T")


class _Client:
    """What both clients are made of; they differ in how they wait for the calls of `serving.client.calls`."""

    _grpc: Any

    def __init__(
        self,
        address: str | Sequence[str],
        *,
        model: str = DEFAULT_MODEL,
        version: int | None = None,
        label: str = "",
        timeout: float | None = DEFAULT_TIMEOUT,
        wait_for_ready: bool = False,
        retries: Retries | None = None,
        tls: Tls | None = None,
        max_message_bytes: int = DEFAULT_MAX_MESSAGE_BYTES,
        keepalive: Keepalive | None = None,
    ):
        if label and version is not None:
            raise ConnectionSettingsError(
                f"Expected a version or a label to ask for, got version {version} and label {label!r}; leave one out."
            )
        self._connection = Connection(
            address,
            tls=tls,
            retries=retries,
            max_message_bytes=max_message_bytes,
            longest_wait=timeout,
            keepalive=keepalive,
        )
        self.address = self._connection.address
        self.model = model
        self.version = version
        self.timeout = timeout
        self.wait_for_ready = wait_for_ready
        self.label = label
        self._calls = Calls(self.address, model, version, label)
        self._lock = threading.Lock()  # of what follows
        self._closed = False
        self._channel: Any = None
        self._methods: dict[str, Any] = {}

    @property
    def answering_version(self) -> int | None:
        """Version of the model in the last answer; None before the first."""
        return self._calls.answering_version

    def _method(self, path: str) -> Any:
        """A method of the channel, which opens with the first call: one of asyncio belongs to the loop around it."""
        with self._lock:
            if self._closed:
                raise self._closed_error()
            if self._channel is None:
                self._channel = self._connection.open(self._grpc)
                self._methods = {name: self._channel.unary_unary(name) for name in METHODS}
            return self._methods[path]

    def _detach(self) -> Any:
        """Take no more calls; the channel, if one was opened, is the caller's to close."""
        with self._lock:
            self._closed = True
            return self._channel

    def _deadline(self, timeout: float | None) -> "_Deadline":
        return _Deadline(self.timeout if timeout is None else timeout)

    def _closed_error(self) -> ClientClosedError:
        return ClientClosedError(f"The client of {self.address} is closed; open another one.")


class StyleClient(_Client):
    """A connection to a server; many threads may use it.

    It is a `tfstyle.engines.engine.Engine`, so `Stylizer(StyleClient(address))` paints there too.

    Args:
        address: `host:port`; or several servers that answer alike, which take turns: `dns:///host:port` for all
            addresses of a name, IP addresses with commas between, or a list of them.
        model: What the server calls the model.
        version: One version of it; None is the newest there.
        label: The version that has this label there, such as `stable`, whichever that is by then; instead of `version`.
        timeout: Seconds that an operation may take, retries included, unless it is given its own; None waits for ever.
        wait_for_ready: Wait, as long as the timeout allows, for a server that is not there (yet, or again) instead of
            failing after a few retries. For services that are to survive a restart of their server.
        retries: How often a call that failed is sent again.
        tls: Encrypt; None is plain text.
        max_message_bytes: Of a request or an answer.
        keepalive: When a server that falls silent is given up.

    Raises:
        ConnectionSettingsError: If the address, a certificate's file or a limit is wrong, or both a version and a
            label are given. Nothing is sent yet.
    """

    _grpc = grpc

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; calls that are under way end with an error."""
        if channel := self._detach():
            channel.close()

    def predict(
        self, signature: str, inputs: Mapping[str, np.ndarray], *, timeout: float | None = None
    ) -> dict[str, np.ndarray]:
        """Run one signature of the model.

        Args:
            signature: A name out of `tfstyle.contract.signatures.SIGNATURES`.
            inputs: Arrays by input name; strings are object arrays of bytes.
            timeout: Seconds that this may take; None is the client's.

        Returns:
            Arrays by output name, possibly read-only; strings are object arrays of bytes.

        Raises:
            ServingError: `serving.client.errors` tells which, and why.
        """
        return self._run(self._calls.predict(signature, inputs), timeout)

    def styles(self, *, refresh: bool = False, timeout: float | None = None) -> Catalog:
        """The styles that the model knows, asked for once and again after the server changed to another version.

        Args:
            refresh: Ask in any case: no answer to anything has told of another version yet.
            timeout: Seconds that this may take; None is the client's.

        Raises:
            ServingError: If the server does not answer.
        """
        return self._run(self._calls.styles(refresh=refresh), timeout)

    def stylize(
        self,
        photo: PhotoSource,
        style: StyleMix | StylizeOptions | None = None,
        *,
        timeout: float | None = None,
        **options: Unpack[StylizeKeywords],
    ) -> Photo:
        """Paint one photo on the server.

        Args:
            photo: A path, the bytes of a file, a Pillow image, a uint8 array `[H,W,3]` or a `Photo`.
            style: A `StylizeOptions`; or its first field, one style or several in proportion: `"a"`, `"a:60,b:40"` or
                `{"a": 60, "b": 40}`, a `StyleVector` or the path of a style file, alone or in place of a name.
            timeout: Seconds that this may take; None is the client's.
            **options: The other fields of `StylizeOptions`: strength, preserve_color, mask, regions, fade, max_size,
                stroke, format.

        Returns:
            The stylized image, of the photo's size.

        Raises:
            StyleTransferError: As `tfstyle.Stylizer.stylize`, and ServingError if the server does not answer.
        """
        return self._run(self._calls.stylize(photo, StylizeOptions.of(style, **options)), timeout)

    def stylize_encoded(
        self,
        photo: PhotoSource,
        style: StyleMix | StylizeOptions | None = None,
        *,
        timeout: float | None = None,
        **options: Unpack[StylizeKeywords],
    ) -> EncodedImage:
        """Stylize one photo on the server and leave it encoded as the server did, JPEG or PNG by `format`.

        For those who pass stylized images on: no pixel of it is decoded here, and none compressed twice. Only what is
        painted at another size than the photo's (large photos, other strokes) is composed and encoded here.

        Raises:
            StyleTransferError: As `stylize`.
        """
        return self._run(self._calls.stylize_encoded(photo, StylizeOptions.of(style, **options)), timeout)

    def encode_style(
        self,
        style_image: PhotoSource,
        *,
        name: str | None = None,
        title: str = "",
        artist: str = "",
        year: str = "",
        timeout: float | None = None,
    ) -> StyleVector:
        """The style of any painting, as a value to stylize with and to keep: as `tfstyle.Stylizer.encode_style`.

        Args:
            style_image: A path, the bytes of a file, a Pillow image, a uint8 array `[H,W,3]` or a `Photo`.
            name: What the style is called; None is made of the file's name.
            title, artist, year: Of the painting; an empty title is made of the name.
            timeout: Seconds that this may take; None is the client's.

        Raises:
            StyleTransferError: As `tfstyle.Stylizer.encode_style`, and ServingError if the server does not answer.
        """
        request = StyleRequest(style_image, name=name, title=title, artist=artist, year=year)
        return self._run(self._calls.encode_style(request), timeout)

    def style_table(self, *, refresh: bool = False, timeout: float | None = None) -> StyleTable | None:
        """The vectors of the model's styles and the fingerprint of its trunk; None if the model tells none.

        Args:
            refresh: As `styles`.
            timeout: Seconds that this may take; None is the client's.
        """
        return self._run(self._calls.style_table(refresh=refresh), timeout)

    def signatures(self, *, timeout: float | None = None) -> dict[str, Signature]:
        """The signatures of the model, as the server tells them.

        Raises:
            ServingError: If the server does not answer, or not as expected.
        """
        return self._run(self._calls.signatures(), timeout)

    def status(self, *, timeout: float | None = None) -> list[VersionStatus]:
        """The versions of the model on the server, newest first.

        Raises:
            ModelNotFoundError: If it has none.
            ServingError: If the server does not answer.
        """
        return self._run(self._calls.status(), timeout)

    def health(self, *, wait: float = 0.0) -> bool:
        """Whether the server takes requests.

        Args:
            wait: Seconds to wait for a server that is still starting.

        Raises:
            ServingError: If nobody answers.
        """
        return self._run(self._calls.health(), wait or None, wait_for_ready=wait > 0)

    def _run(self, operation: Operation[T], timeout: float | None, *, wait_for_ready: bool = False) -> T:
        deadline = self._deadline(timeout)
        step = advance(operation)
        while not isinstance(step, Returned):
            step = advance(operation, self._send(step, deadline, wait_for_ready or self.wait_for_ready))
        return step.value

    def _send(self, call: Call, deadline: "_Deadline", wait_for_ready: bool) -> bytes | ServingError:
        """The answer, or how the call failed."""
        method = self._method(call.method)
        try:
            return method(call.request, timeout=deadline.remaining(), wait_for_ready=wait_for_ready)
        except grpc.RpcError as error:
            return self._closed_error() if self._closed else explain(error, self._connection, deadline.timeout)
        except ValueError:  # gRPC's word for a closed channel
            return self._closed_error()


class AsyncStyleClient(_Client):
    """`StyleClient` for asyncio: the same arguments, and the same operations as coroutines; many tasks may use it.

    Photos are read and requests built in threads, so the event loop stays free. Cancelling a task cancels its call on
    the server as well. It belongs to the event loop of its first call, and may be made before that runs.
    """

    _grpc = grpc.aio

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """As `StyleClient.close`."""
        if channel := self._detach():
            await channel.close()

    async def predict(
        self, signature: str, inputs: Mapping[str, np.ndarray], *, timeout: float | None = None
    ) -> dict[str, np.ndarray]:
        """As `StyleClient.predict`."""
        return await self._run(self._calls.predict(signature, inputs), timeout)

    async def styles(self, *, refresh: bool = False, timeout: float | None = None) -> Catalog:
        """As `StyleClient.styles`."""
        return await self._run(self._calls.styles(refresh=refresh), timeout)

    async def stylize(
        self,
        photo: PhotoSource,
        style: StyleMix | StylizeOptions | None = None,
        *,
        timeout: float | None = None,
        **options: Unpack[StylizeKeywords],
    ) -> Photo:
        """As `StyleClient.stylize`."""
        return await self._run(self._calls.stylize(photo, StylizeOptions.of(style, **options)), timeout)

    async def stylize_encoded(
        self,
        photo: PhotoSource,
        style: StyleMix | StylizeOptions | None = None,
        *,
        timeout: float | None = None,
        **options: Unpack[StylizeKeywords],
    ) -> EncodedImage:
        """As `StyleClient.stylize_encoded`."""
        return await self._run(self._calls.stylize_encoded(photo, StylizeOptions.of(style, **options)), timeout)

    async def encode_style(
        self,
        style_image: PhotoSource,
        *,
        name: str | None = None,
        title: str = "",
        artist: str = "",
        year: str = "",
        timeout: float | None = None,
    ) -> StyleVector:
        """As `StyleClient.encode_style`."""
        read = partial(StyleRequest, style_image, name=name, title=title, artist=artist, year=year)
        request = await asyncio.to_thread(read)
        return await self._run(self._calls.encode_style(request), timeout)

    async def style_table(self, *, refresh: bool = False, timeout: float | None = None) -> StyleTable | None:
        """As `StyleClient.style_table`."""
        return await self._run(self._calls.style_table(refresh=refresh), timeout)

    async def signatures(self, *, timeout: float | None = None) -> dict[str, Signature]:
        """As `StyleClient.signatures`."""
        return await self._run(self._calls.signatures(), timeout)

    async def status(self, *, timeout: float | None = None) -> list[VersionStatus]:
        """As `StyleClient.status`."""
        return await self._run(self._calls.status(), timeout)

    async def health(self, *, wait: float = 0.0) -> bool:
        """As `StyleClient.health`."""
        return await self._run(self._calls.health(), wait or None, wait_for_ready=wait > 0)

    async def _run(self, operation: Operation[T], timeout: float | None, *, wait_for_ready: bool = False) -> T:
        deadline = self._deadline(timeout)
        step = await asyncio.to_thread(advance, operation)
        while not isinstance(step, Returned):
            answer = await self._send(step, deadline, wait_for_ready or self.wait_for_ready)
            step = await asyncio.to_thread(advance, operation, answer)
        return step.value

    async def _send(self, call: Call, deadline: "_Deadline", wait_for_ready: bool) -> bytes | ServingError:
        """The answer, or how the call failed."""
        method = self._method(call.method)
        try:
            return await method(call.request, timeout=deadline.remaining(), wait_for_ready=wait_for_ready)
        except grpc.RpcError as error:
            return await asyncio.to_thread(explain, error, self._connection, deadline.timeout)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if self._closed and not (task and task.cancelling()):  # the channel ended the call, nobody the task
                return self._closed_error()
            raise


class _Deadline:
    """The point in time by which an operation of one or more calls must have ended."""

    def __init__(self, timeout: float | None):
        self.timeout = timeout
        self._end = None if timeout is None else time.monotonic() + timeout

    def remaining(self) -> float | None:
        return None if self._end is None else max(0.0, self._end - time.monotonic())
