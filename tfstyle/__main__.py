"""`python -m tfstyle`: the same as the command `tfstyle`."""

import sys

from tfstyle.cli import main

if __name__ == "__main__":
    sys.exit(main())
