"""Transactions: methods that are run on a thread of the database's, each in a transaction of its own."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from functools import update_wrapper
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import InterfaceError, InternalError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from bot.errors import StorageAwayError


class Connected(Protocol):
    """What has a database."""

    @property
    def engine(self) -> Engine:
        """Its connections."""
        ...

    @property
    def threads(self) -> Executor:
        """What its transactions run on."""
        ...


P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S", bound=Connected)


def transaction(
    work: Callable[Concatenate[S, Connection, P], R],
) -> Callable[Concatenate[S, P], Coroutine[Any, Any, R]]:
    """Run a method on one of `threads`, in a transaction that it gets as its first argument.

    Raises:
        StorageAwayError: Where the database does not answer, or refuses for now.
    """

    async def run(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
        def transact() -> R:
            try:
                with self.engine.begin() as connection:
                    return work(self, connection, *args, **kwargs)
            except (InterfaceError, InternalError, OperationalError, ProgrammingError, PoolTimeoutError) as error:
                raise StorageAwayError(" ".join(str(error.args[0]).split())) from error

        return await asyncio.get_running_loop().run_in_executor(self.threads, transact)

    update_wrapper(run, work)
    return run
