"""`python -m bot`: the Telegram bot, with its settings from the environment (docs/bot.md)."""

import asyncio
import contextlib
import ctypes
import logging
import sys

from tfstyle.errors import StyleTransferError

_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8  # of glibc's mallopt


def main() -> int:
    """Run the bot; 0 after a graceful stop, 2 if it cannot start, with one sentence on stderr, 1 if it fails later."""
    _give_memory_back()
    try:
        from bot.logs import set_up_logs
        from bot.settings import load_settings

        settings = load_settings()
        set_up_logs(settings.log_level, *settings.secrets)

        from bot.app import run  # takes a second, which a wrong setting need not wait for

        asyncio.run(run(settings))
    except StyleTransferError as error:
        return _fail(str(error))
    except ModuleNotFoundError as error:
        return _fail(f"{error.name} is not installed; pip install 'tfstyle[bot]'.")
    except Exception:  # Python would print it past the log, which cuts secrets out
        logging.getLogger("bot").critical("the bot failed", exc_info=True)
        return 1
    return 0


def _give_memory_back() -> None:
    """Have glibc return what photos took once they are gone, where it would keep it for each thread."""
    with contextlib.suppress(OSError, AttributeError):  # no Linux, or another C library
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(_M_MMAP_THRESHOLD, 2**20)
        libc.mallopt(_M_ARENA_MAX, 2)


def _fail(sentence: str) -> int:
    print(f"bot: {sentence}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
