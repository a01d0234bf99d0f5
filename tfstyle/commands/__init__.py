"""The sub-commands of `tfstyle`, one module each: `add_arguments(parser)` and `run(args) -> int`."""
