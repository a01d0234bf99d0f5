"""`python -m bot`: the Telegram bot, with its settings from the environment (docs/bot.md)."""

import asyncio
import logging
import sys

from tfstyle.errors import StyleTransferError


def main() -> int:
    """Run the bot; 0 after a graceful stop, 2 if it cannot start, with one sentence on stderr, 1 if it fails later."""
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


def _fail(sentence: str) -> int:
    print(f"bot: {sentence}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
