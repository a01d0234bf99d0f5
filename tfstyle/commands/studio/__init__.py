"""Paint in the browser: a page with brush, sliders and before and after.

Photos stay on this computer: the page is served by this process and by default reached from this machine alone.

  tfstyle studio
  tfstyle studio --port 9000 --no-browser --engine localhost:8500
  tfstyle studio --public https://paint.example.org --port 8080     behind a reverse proxy, for others
  tfstyle studio --export site/ --runtime package/    static files, with which visitors' own devices paint
"""

import argparse
import sys
from pathlib import Path

from tfstyle.commands.shared import stylizers
from tfstyle.commands.shared.argument_types import whole
from tfstyle.errors import RequestError

NEEDS = ("aiohttp",)
DEFAULT_PORT = 8765


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where the page is served, to whom, and who paints."""
    parser.add_argument(
        "--port",
        metavar="N",
        type=whole(0, 65535),
        help=f"of the page; 0: any that is free (default: {DEFAULT_PORT}, or any if that is taken)",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1, this machine)")
    parser.add_argument("--no-browser", action="store_true", help="open no browser")
    parser.add_argument(
        "--public",
        metavar="URL",
        help="serve the page to others, who reach it at URL through a reverse proxy that sets X-Forwarded-For: limits "
        "per address, a fair queue, photos forgotten after half an hour",
    )
    parser.add_argument(
        "--export",
        metavar="DIR",
        type=Path,
        help="write the page as static files that any host serves, painting on the visitor's own device, and end",
    )
    parser.add_argument(
        "--runtime",
        metavar="DIR",
        type=Path,
        help="with --export: the npm package onnxruntime-web, unpacked (npm pack onnxruntime-web)",
    )
    stylizers.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Serve the page until Ctrl-C, or write it."""
    if args.export or args.runtime:
        return _export(args)
    from tfstyle.studio.launcher import serve

    def ready(url: str) -> None:
        print(f"The studio is at {url} (Ctrl-C ends it).", file=sys.stderr, flush=True)
        if not args.no_browser and not args.public:
            import webbrowser

            webbrowser.open(url)

    with stylizers.open_stylizer(args) as stylizer:
        serve(stylizer, host=args.host, port=args.port, default_port=DEFAULT_PORT, public=args.public, ready=ready)
    return 0


def _export(args: argparse.Namespace) -> int:
    from tfstyle.model_store.versions import find_model
    from tfstyle.studio.static_site import export_site

    if not (args.export and args.runtime):
        raise RequestError("Expected --export and --runtime together, got one of them.")
    if args.server or args.engine not in (None, "onnx"):
        raise RequestError("Expected a model in this process to export, got another engine or a server; use --model.")
    export_site(find_model(args.model), args.export, args.runtime)
    print(f"Written to {args.export}; to try it: python -m http.server -d {args.export}", file=sys.stderr)
    return 0
