"""The sub-commands of `tfstyle`, one module each: `HELP`, `add_arguments(parser)` and `run(args) -> int`."""
