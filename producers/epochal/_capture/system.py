"""System metrics: how busy the machine and this process are."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from epochal._capture.nvml import Nvml

if TYPE_CHECKING:
    import psutil


class SystemSampler:
    """Reads system metrics; one object a process (a forked child makes its own).

    ``visible_gpus`` is the text of CUDA_VISIBLE_DEVICES: only those GPUs are read; None means all.
    """

    def __init__(self, visible_gpus: str | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._visible_gpus = visible_gpus
        self._clock = clock
        self._process: psutil.Process | None = None
        self._gpus: Nvml | None = None
        self._counters: dict[str, float] = {}
        self._read_at = 0.0

    def sample(self) -> dict[str, float]:
        """Metric names (``sys/…``) to values: percent, bytes, bytes per second (since the last call), °C, watts.

        The first call begins the rates and has none yet. What this machine doesn't tell is absent. Never raises.
        """
        first = self._process is None
        found: dict[str, float] = {}
        for part in (self._cpu, self._memory, self._own, self._gpu):
            try:
                found.update(part())
            except Exception:  # noqa: BLE001, S112 - capture's border: psutil raises differently on every platform
                continue
        found.update(self._rates())
        if first:
            found = {name: value for name, value in found.items() if not name.endswith(("cpu.percent", "cpu_percent"))}
        return {f"sys/{name}": value for name, value in found.items()}

    def _cpu(self) -> Iterator[tuple[str, float]]:
        import psutil

        yield "cpu.percent", psutil.cpu_percent(None)

    def _memory(self) -> Iterator[tuple[str, float]]:
        import psutil

        memory = psutil.virtual_memory()
        yield "memory.used_bytes", float(memory.used)
        yield "memory.percent", memory.percent

    def _own(self) -> Iterator[tuple[str, float]]:
        if self._process is None:
            import psutil

            self._process = psutil.Process()
        yield "process.cpu_percent", self._process.cpu_percent(None)
        yield "process.rss_bytes", float(self._process.memory_info().rss)
        yield "process.threads", float(self._process.num_threads())

    def _gpu(self) -> Mapping[str, float]:
        if self._read_at == 0.0:
            self._gpus = Nvml.load(self._visible_gpus)
        return {} if self._gpus is None else self._gpus.sample()

    def _rates(self) -> dict[str, float]:
        """Bytes per second since the last call, of counters that were there then and only went up."""
        now, counters = self._clock(), _counters()
        seconds = now - self._read_at
        rates = {
            name: (counters[name] - before) / seconds
            for name, before in self._counters.items()
            if seconds > 0 and counters.get(name, -1.0) >= before
        }
        self._read_at, self._counters = now, counters
        return rates


def _counters() -> dict[str, float]:
    found: dict[str, float] = {}
    try:
        import psutil

        disk = psutil.disk_io_counters()
        if disk is not None:
            found["disk.read_bytes_per_s"] = float(disk.read_bytes)
            found["disk.written_bytes_per_s"] = float(disk.write_bytes)
        network = psutil.net_io_counters()
        found["network.sent_bytes_per_s"] = float(network.bytes_sent)
        found["network.received_bytes_per_s"] = float(network.bytes_recv)
    except Exception:  # noqa: BLE001 - capture's border: counters are missing or forbidden in some containers
        return found
    return found
