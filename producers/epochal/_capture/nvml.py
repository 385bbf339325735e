"""NVIDIA's management library, called directly: utilisation, memory, temperature and power of each GPU."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator

_UUID_BYTES = 96


class _Memory(ctypes.Structure):
    _fields_ = (("total", ctypes.c_ulonglong), ("free", ctypes.c_ulonglong), ("used", ctypes.c_ulonglong))


class _Utilization(ctypes.Structure):
    _fields_ = (("gpu", ctypes.c_uint), ("memory", ctypes.c_uint))


class Nvml:
    """The GPUs of this machine.

    ``visible`` is the text of CUDA_VISIBLE_DEVICES (numbers or UUIDs): only those are read; None means all.
    """

    def __init__(self, library: ctypes.CDLL, visible: str | None) -> None:
        self._library = library
        self._devices = list(self._choose(visible))

    @classmethod
    def load(cls, visible: str | None) -> Nvml | None:
        """The library, or None where there is none or it does not work (no driver, no permission)."""
        try:
            library = ctypes.CDLL("libnvidia-ml.so.1")
            if library.nvmlInit_v2() != 0:
                return None
            return cls(library, visible)
        except (OSError, AttributeError):
            return None

    def sample(self) -> dict[str, float]:
        """``gpu.<index>.<what>``: utilization and memory_percent in percent, memory.used_bytes, temperature_c, power_w.

        What a GPU doesn't tell is absent.
        """
        found: dict[str, float] = {}
        for index, device in self._devices:
            found.update({f"gpu.{index}.{name}": value for name, value in self._read(device)})
        return found

    def _choose(self, visible: str | None) -> Iterator[tuple[int, ctypes.c_void_p]]:
        wanted = None if visible is None else [word.strip() for word in visible.split(",") if word.strip()]
        count = ctypes.c_uint()
        if self._library.nvmlDeviceGetCount_v2(ctypes.byref(count)) != 0:
            return
        for index in range(count.value):
            device = ctypes.c_void_p()
            if self._library.nvmlDeviceGetHandleByIndex_v2(index, ctypes.byref(device)) != 0:
                continue
            if wanted is None or str(index) in wanted or self._named(device, wanted):
                yield index, device

    def _named(self, device: ctypes.c_void_p, wanted: list[str]) -> bool:
        text = ctypes.create_string_buffer(_UUID_BYTES)
        if self._library.nvmlDeviceGetUUID(device, text, _UUID_BYTES) != 0:
            return False
        uuid = text.value.decode("ascii", "replace")
        return any(word.startswith("GPU-") and uuid.startswith(word) for word in wanted)

    def _read(self, device: ctypes.c_void_p) -> Iterator[tuple[str, float]]:
        library = self._library
        utilization = _Utilization()
        if library.nvmlDeviceGetUtilizationRates(device, ctypes.byref(utilization)) == 0:
            yield "utilization", float(utilization.gpu)
        memory = _Memory()
        if library.nvmlDeviceGetMemoryInfo(device, ctypes.byref(memory)) == 0 and memory.total:
            yield "memory.used_bytes", float(memory.used)
            yield "memory.percent", 100.0 * memory.used / memory.total
        number = ctypes.c_uint()
        if library.nvmlDeviceGetTemperature(device, 0, ctypes.byref(number)) == 0:
            yield "temperature_c", float(number.value)
        if library.nvmlDeviceGetPowerUsage(device, ctypes.byref(number)) == 0:
            yield "power_w", number.value / 1000.0
