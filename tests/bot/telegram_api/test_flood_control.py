"""Who waits when Telegram asks to wait."""

import pytest

import bot.telegram_api.flood_control
from bot.telegram_api.flood_control import FloodControl


@pytest.fixture
def clock(monkeypatch):
    """Seconds, to be moved by hand."""
    now = [1000.0]
    monkeypatch.setattr(bot.telegram_api.flood_control.time, "monotonic", lambda: now[0])
    return now


def test_a_flooded_chat_waits_alone(clock):
    flood_control = FloodControl()
    flood_control.pause(30, -1)

    assert (flood_control.seconds_left(-1), flood_control.seconds_left(2), flood_control.seconds_left(None)) == (
        30,
        0,
        0,
    )
    clock[0] += 31
    assert flood_control.seconds_left(-1) == 0


def test_what_is_about_no_chat_is_everybodys(clock):
    flood_control = FloodControl()
    flood_control.pause(30, None)

    assert (flood_control.seconds_left(-1), flood_control.seconds_left(None)) == (30, 30)


def test_several_chats_at_once_mean_all(clock):
    flood_control = FloodControl()
    flood_control.pause(30, 1)
    flood_control.pause(20, 2)
    assert flood_control.seconds_left(4) == 0

    flood_control.pause(10, 3)

    assert [flood_control.seconds_left(chat) for chat in (1, 2, 3, 4)] == [30, 20, 10, 10]


def test_chats_that_waited_long_ago_do_not_count(clock):
    flood_control = FloodControl()
    for chat in range(1, 9):
        flood_control.pause(1, chat)
        clock[0] += 0.6

    assert flood_control.seconds_left(99) == 0


def test_a_shorter_wait_does_not_end_a_longer_one(clock):
    flood_control = FloodControl()
    flood_control.pause(30, 1)
    flood_control.pause(1, 1)

    assert flood_control.seconds_left(1) == 30
