"""Everyone's first turn comes before anyone's second one."""

import asyncio

import pytest

from tfstyle.studio.fair_queue import FairQueue, QueueFullError


def served(*people: str, gives_up: str = "") -> list[str]:
    """In which order people have their turns who come in this order while somebody is being served."""

    async def run() -> list[str]:
        queue, order = FairQueue(), []

        async def visit(person: str) -> None:
            async with queue.turn(person):
                order.append(person)
                await asyncio.sleep(0)

        async with queue.turn("somebody"):
            visits = [asyncio.create_task(visit(person)) for person in people]
            await asyncio.sleep(0)
            for person, task in zip(people, visits, strict=True):
                if person == gives_up:
                    task.cancel()
        await asyncio.gather(*visits, return_exceptions=True)
        assert queue.ahead("somebody") is None
        return order

    return asyncio.run(run())


def test_turns_go_round():
    assert served("a", "a", "a", "b", "c", "b") == ["a", "b", "c", "a", "b", "a"]


def test_who_gives_up_holds_up_nobody():
    assert served("a", "b", "c", gives_up="b") == ["a", "c"]


def test_the_position_is_told_as_it_is():
    async def run():
        queue = FairQueue()
        async with queue.turn("somebody"):
            waiting = [asyncio.create_task(queue.turn(person).__aenter__()) for person in ("a", "a", "b")]
            await asyncio.sleep(0)
            told = [queue.ahead(person) for person in ("somebody", "a", "b", "c")]
        for task in waiting:
            task.cancel()
        return told

    assert asyncio.run(run()) == [0, 1, 2, None]


def test_too_much_of_one_person_is_refused():
    async def run():
        queue = FairQueue(of_person=1)
        async with queue.turn("a"):
            waiting = asyncio.create_task(queue.turn("a").__aenter__())
            await asyncio.sleep(0)
            try:
                async with queue.turn("a"):
                    pass
            finally:
                waiting.cancel()

    with pytest.raises(QueueFullError, match="too much is waiting already"):
        asyncio.run(run())
