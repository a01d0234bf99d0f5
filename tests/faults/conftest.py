"""The toy model as the server's tests have it."""

from tests.serving.conftest import toy_model

__all__ = ["toy_model"]
