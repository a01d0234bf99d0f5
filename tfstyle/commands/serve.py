"""Serve every model under saved_models/ over gRPC, as TensorFlow Serving does."""

import argparse

PASS_ON = True  # the server declares its own options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Nothing of its own: all arguments go to the server."""


def run(args: argparse.Namespace) -> int:
    """Serve until interrupted."""
    from serving.server.model_server import main

    return main(args.rest)
