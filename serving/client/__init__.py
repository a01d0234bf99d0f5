"""The client of a model server, TensorFlow Serving or ours, for threads and for asyncio; no TensorFlow."""

from serving.client.calls import VersionStatus
from serving.client.connection import Tls
from serving.client.style_client import AsyncStyleClient, StyleClient

__all__ = ["AsyncStyleClient", "StyleClient", "Tls", "VersionStatus"]
