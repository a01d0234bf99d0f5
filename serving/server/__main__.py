"""`python -m serving.server`: the same as `tfstyle serve`."""

import sys

from serving.server.model_server import main

if __name__ == "__main__":
    sys.exit(main())
