"""What Prometheus is told, under TensorFlow Serving's names and in its form.

Written here because `prometheus_client` ends the name of every counter in `_total`, which TensorFlow Serving does not.
"""

import threading
from collections.abc import Mapping, Sequence

DEFAULT_PATH = "/monitoring/prometheus/metrics"

_BUCKETS = tuple(10 * 1.8**k for k in range(33))  # upper bounds in microseconds; the last is about 40 minutes


class Metrics:
    """Counts and times of requests; many threads may add to them.

    A model's name in a label comes from the server's configuration, never from a request: else whoever sends requests
    could fill the memory with names.
    """

    def __init__(self) -> None:
        self._requests = _Counter(":tensorflow:serving:request_count", ("model_name", "status"))
        self._latency = _Histogram(":tensorflow:serving:request_latency", ("model_name", "API", "entrypoint"))
        self._runtime = _Histogram(":tensorflow:serving:runtime_latency", ("model_name", "API", "runtime"))
        self._warm_ups = _Histogram(":tensorflow:serving:model_warmup_latency", ("model_path", "status"))
        self._records = _Counter(":tensorflow:serving:model_warmup_records_read", ("model_path",))

    def requested(self, model: str, api: str, entrypoint: str, seconds: float, status: str) -> None:
        """A request has been answered with `status`, the name of a gRPC code; times count only with OK."""
        self._requests.add((model, status))
        if status == "OK":
            self._latency.observe((model, api, entrypoint), seconds)

    def ran(self, model: str, seconds: float) -> None:
        """A graph has run."""
        self._runtime.observe((model, "Predict", "TF1"), seconds)

    def warmed_up(self, path: str, records: int, seconds: float, status: str = "OK") -> None:
        """A version has run its warm-up requests."""
        self._records.add((path,), records)
        self._warm_ups.observe((path, status), seconds)

    @property
    def answered(self) -> int:
        """Requests so far, whatever their answer was."""
        return self._requests.total

    def page(self) -> str:
        """All of it in Prometheus' text format."""
        metrics = (self._latency, self._requests, self._runtime, self._warm_ups, self._records)
        return "\n".join(line for metric in metrics for line in metric.lines()) + "\n"


class _Counter:
    def __init__(self, name: str, labels: Sequence[str]):
        self._name = name
        self._labels = labels
        self._lock = threading.Lock()
        self._counts: dict[tuple[str, ...], int] = {}

    @property
    def total(self) -> int:
        with self._lock:
            return sum(self._counts.values())

    def add(self, values: tuple[str, ...], count: int = 1) -> None:
        with self._lock:
            self._counts[values] = self._counts.get(values, 0) + count

    def lines(self) -> list[str]:
        with self._lock:
            counts = sorted(self._counts.items())
        head = f"# TYPE {self._name} counter"
        return [head, *(f"{self._name}{{{_pairs(self._labels, values)}}} {count}" for values, count in counts)]


class _Histogram:
    """Of times, in microseconds."""

    def __init__(self, name: str, labels: Sequence[str]):
        self._name = name
        self._labels = labels
        self._lock = threading.Lock()
        self._counts: dict[tuple[str, ...], list[int]] = {}
        self._sums: dict[tuple[str, ...], float] = {}

    def observe(self, values: tuple[str, ...], seconds: float) -> None:
        microseconds = seconds * 1e6
        bucket = sum(bound < microseconds for bound in _BUCKETS)
        with self._lock:
            self._counts.setdefault(values, [0] * (len(_BUCKETS) + 1))[bucket] += 1
            self._sums[values] = self._sums.get(values, 0.0) + microseconds

    def lines(self) -> list[str]:
        with self._lock:
            counts = sorted((values, list(buckets)) for values, buckets in self._counts.items())
            sums = dict(self._sums)
        lines = [f"# TYPE {self._name} histogram"]
        for values, buckets in counts:
            pairs = _pairs(self._labels, values)
            total = 0
            for bound, count in zip((*(f"{bound:g}" for bound in _BUCKETS), "+Inf"), buckets, strict=True):
                total += count
                lines.append(f'{self._name}_bucket{{{pairs},le="{bound}"}} {total}')
            lines += [f"{self._name}_sum{{{pairs}}} {sums[values]:.17g}", f"{self._name}_count{{{pairs}}} {total}"]
        return lines


def _pairs(labels: Sequence[str], values: Sequence[str]) -> str:
    return ",".join(f'{label}="{_escape(value)}"' for label, value in zip(labels, values, strict=True))


def _escape(value: str, _special: Mapping[int, str] = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})) -> str:
    return value.translate(_special)
