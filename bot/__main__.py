"""`python -m bot`: the Telegram bot, with its settings from the environment (docs/bot.md)."""

import asyncio
import sys

from bot.logs import set_up_logs
from bot.settings import load_settings
from tfstyle.errors import StyleTransferError


def main() -> int:
    """Run the bot; 0 after a graceful stop, 2 if it cannot start, with one sentence on stderr."""
    try:
        settings = load_settings()
        set_up_logs(settings.log_level, settings.token.get_secret_value(), settings.webhook_secret.get_secret_value())

        from bot.app import run  # takes a second, which a wrong setting need not wait for

        asyncio.run(run(settings))
    except StyleTransferError as error:
        print(f"bot: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(
            f"bot: {error.strerror or error}; check TFSTYLE_BOT_HTTP_HOST and TFSTYLE_BOT_HTTP_PORT.", file=sys.stderr
        )
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
