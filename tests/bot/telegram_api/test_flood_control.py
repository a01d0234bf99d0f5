"""Who waits when Telegram asks to wait."""

import pytest

import bot.telegram_api.flood_control
from bot.telegram_api.flood_control import Silence


@pytest.fixture
def clock(monkeypatch):
    """Seconds, to be moved by hand."""
    now = [1000.0]
    monkeypatch.setattr(bot.telegram_api.flood_control.time, "monotonic", lambda: now[0])
    return now


def test_a_flooded_chat_waits_alone(clock):
    silence = Silence()
    silence.keep(30, -1)

    assert (silence.left(-1), silence.left(2), silence.left(None)) == (30, 0, 0)
    clock[0] += 31
    assert silence.left(-1) == 0


def test_what_is_about_no_chat_is_everybodys(clock):
    silence = Silence()
    silence.keep(30, None)

    assert (silence.left(-1), silence.left(None)) == (30, 30)


def test_several_chats_at_once_mean_all(clock):
    silence = Silence()
    silence.keep(30, 1)
    silence.keep(20, 2)
    assert silence.left(4) == 0

    silence.keep(10, 3)

    assert [silence.left(chat) for chat in (1, 2, 3, 4)] == [30, 20, 10, 10]


def test_chats_that_waited_long_ago_do_not_count(clock):
    silence = Silence()
    for chat in range(1, 9):
        silence.keep(1, chat)
        clock[0] += 0.6

    assert silence.left(99) == 0


def test_a_shorter_wait_does_not_end_a_longer_one(clock):
    silence = Silence()
    silence.keep(30, 1)
    silence.keep(1, 1)

    assert silence.left(1) == 30
