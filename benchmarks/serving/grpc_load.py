"""Through gRPC, as users meet it: pictures a second and latencies with 1, 4 and 16 clients at once.

    python -m benchmarks.serving.grpc_load [MODEL] [--clients 1 4 16] [--sizes 512 1280] [--seconds 20] [--quick]

A closed loop: each client sends a JPEG to `encoded` over a connection of its own, waits for the painting, and sends the
next. The server is the embedded one, in a process of its own on this machine, with its default threads.
"""

import argparse
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any

from benchmarks.measuring import add_results_option, machine, model_name, one_sentence, percentiles, save, table
from benchmarks.serving.style_server import encoded_request, photo_jpeg, served
from serving.client import StyleClient
from serving.client.errors import ServingError
from tfstyle.model_store.versions import find_model

TIMEOUT = 600.0  # seconds of one request; nothing is to be cut off
MIN_REQUESTS = 2  # of each client, whatever they take


@one_sentence
def main(argv: Sequence[str] | None = None) -> int:
    """Measure and write grpc_load.json and .md; 1 if a request failed, 2 if there is no model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", help="folder of a model or of a version (default: saved_models/tfstyle)")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 4, 16], metavar="N", help="default: 1 4 16")
    parser.add_argument("--sizes", type=int, nargs="+", default=[512, 1280], metavar="N", help="px (default: 512 1280)")
    parser.add_argument("--seconds", type=float, default=20, metavar="S", help="of each load (default: 20)")
    add_results_option(parser, "a second of each load at 128 px")
    args = parser.parse_args(argv)
    if args.quick:
        args.sizes, args.seconds = [128], 1
    with served(find_model(args.model)) as address:
        rows = [load(address, size, clients, args.seconds) for size in args.sizes for clients in args.clients]
    result = {"machine": machine("tensorflow", "grpcio"), "model": model_name(find_model(args.model)), "rows": rows}
    save(args, "grpc_load", result, report(result))
    return 1 if any(row["failed"] for row in rows) else 0


def load(address: str, size: int, clients: int, seconds: float) -> dict[str, Any]:
    """One closed loop.

    Args:
        address: The server.
        size: Pixels a side of the photo.
        clients: How many send at once.
        seconds: For how long requests are begun.

    Returns:
        `requests` that were answered, `failed` ones, pictures `per_second` until the last answer, and the percentiles
        of the latencies in seconds.
    """
    latencies: list[float] = []
    failures: list[str] = []
    began = time.perf_counter()

    def send(client: StyleClient, request: dict[str, Any]) -> None:
        sent = 0
        while sent < MIN_REQUESTS or time.perf_counter() - began < seconds:
            sent += 1
            start = time.perf_counter()
            try:
                client.predict("encoded", request)
            except ServingError as error:
                failures.append(str(error))
            else:
                latencies.append(time.perf_counter() - start)

    open_clients = [StyleClient(address, timeout=TIMEOUT) for _ in range(clients)]
    try:
        request = encoded_request(photo_jpeg(size), len(open_clients[0].styles()))
        for client in open_clients:  # connects, and allocates for this size
            client.predict("encoded", request)
        threads = [threading.Thread(target=send, args=(client, request)) for client in open_clients]
        began = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        took = time.perf_counter() - began
    finally:
        for client in open_clients:
            client.close()
    for failure in sorted(set(failures)):
        print(f"grpc_load: {failures.count(failure)} times: {failure}", file=sys.stderr)
    return {
        "size": size,
        "clients": clients,
        "requests": len(latencies),
        "failed": len(failures),
        "per_second": len(latencies) / took,
        **(percentiles(latencies) if latencies else {}),
    }


def report(result: dict[str, Any]) -> str:
    """A line a load."""
    head = ["pixels", "clients", "pictures a second", "p50, s", "p95, s", "p99, s", "requests", "failed"]
    rows = [
        [
            f"{row['size']} x {row['size']}",
            row["clients"],
            f"{row['per_second']:.2f}",
            *(f"{row[key]:.3f}" if key in row else "-" for key in ("p50", "p95", "p99")),
            row["requests"],
            row["failed"],
        ]
        for row in result["rows"]
    ]
    return f"{result['machine']['processor']}, {result['machine']['cores']} cores.\n\n{table(head, rows)}"


if __name__ == "__main__":
    sys.exit(main())
