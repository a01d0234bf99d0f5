"""Names and messages from outside forge no lines of the log."""

import logging

from serving.config.log_format import OneLineFormatter


def test_what_comes_from_outside_stays_in_its_line():
    record = logging.LogRecord("serving", logging.ERROR, "", 0, "%s is served", ("a\n2026 INFO forged\x1b[2J",), None)
    assert OneLineFormatter("%(levelname)s %(message)s").format(record) == (
        r"ERROR a\x0a2026 INFO forged\x1b[2J is served"
    )
