"""Keeps a process alive when somebody cuts a file that it has mapped.

A store into a mapped page that its file no longer has raises SIGBUS, and nothing but a signal handler can go on
from there. This one answers only for the maps registered here: it puts private memory in the place of the map, so
that the store succeeds, and tells the owner, who gives the segment up at the end of the call. Our stores run with
the interpreter's lock held and call nothing, so the handler is as safe there as any callback. A SIGBUS from
anywhere else goes to whoever would have had it (docs/adr/0010-cut-segments.md).
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import mmap
import os
import platform
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import ctypes

_SA_SIGINFO: Final = 0x4
_SA_NODEFER: Final = 0x40000000
_SA_ONSTACK: Final = 0x08000000
_SI_CODE_AT: Final = 8
_SI_ADDR_AT: Final = 16
_MAP_FIXED: Final = 0x10


@dataclass(frozen=True)
class _Watched:
    start: int
    end: int
    path: Path
    on_cut: Callable[[], None]


def can_guard() -> bool:
    """Whether this system's signal frames are known here: 64-bit Linux on x86 and ARM."""
    known = sys.platform == "linux" and platform.machine() in ("x86_64", "aarch64") and sys.maxsize > 2**32
    return known and importlib.util.find_spec("_ctypes") is not None


class MapGuard:
    """The one handler of SIGBUS of this process, installed while a map is watched."""

    def __init__(self) -> None:
        # ctypes takes 4 ms to import: only processes that map a segment pay for it
        import ctypes

        self._ctypes = ctypes
        self._libc: Any = ctypes.PyDLL(None)
        self._libc.mmap.restype = ctypes.c_void_p
        self._libc.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t) + (ctypes.c_int,) * 3 + (ctypes.c_long,)
        self._watched: dict[int, _Watched] = {}
        self._lock = threading.RLock()
        entry = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)(self._on_sigbus)
        self._entry = entry
        self._ours = self._action(ctypes.cast(entry, ctypes.c_void_p).value or 0)
        self._theirs = self._action(0)
        self._passed_on = False
        os.register_at_fork(after_in_child=self._after_fork_in_child)

    def watch(self, memory: mmap.mmap, path: Path, on_cut: Callable[[], None]) -> int:
        """Answer for this map until it is forgotten; returns the key to forget it by.

        ``on_cut`` is called in the signal handler, in the middle of a store: it may set a field and no more.
        """
        start = self._ctypes.addressof(self._ctypes.c_char.from_buffer(memory))
        with self._lock:
            self._watched[start] = _Watched(start, start + len(memory), path, on_cut)
            self._install()
        return start

    def forget(self, key: int) -> None:
        """Answer for this map no more; call it before the map is closed."""
        with self._lock:
            self._watched.pop(key, None)
            if not self._watched and self._current().handler == self._ours.handler:
                self._libc.sigaction(signal.SIGBUS, self._ctypes.byref(self._theirs), None)

    def _after_fork_in_child(self) -> None:
        self._lock = threading.RLock()  # another thread of the parent may have held it

    def _install(self) -> None:
        """Be the first to be asked, also when somebody has installed a handler since."""
        current = self._current()
        if current.handler != self._ours.handler:
            self._theirs = current
            self._libc.sigaction(signal.SIGBUS, self._ctypes.byref(self._ours), None)

    def _on_sigbus(self, _: int, info: int, __: int) -> None:
        code = self._ctypes.c_int.from_address(info + _SI_CODE_AT).value
        if code <= 0:
            self._on_sent(info)
            return
        address = self._ctypes.c_uint64.from_address(info + _SI_ADDR_AT).value
        for watched in self._watched.values():
            if watched.start <= address < watched.end:
                flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _MAP_FIXED
                size = watched.end - watched.start
                got = self._libc.mmap(watched.start, size, mmap.PROT_READ | mmap.PROT_WRITE, flags, -1, 0)
                if got == watched.start:
                    watched.on_cut()
                    return
        self._pass_on()

    def _on_sent(self, info: int) -> None:
        """SIGBUS by ``kill`` or ``raise``, which is also how ``faulthandler`` hands on a fault of ours."""
        if any(_is_short(watched) for watched in self._watched.values()):
            return  # the store is tried again, and then comes here with its address
        self._pass_on()
        signal.raise_signal(signal.SIGBUS)

    def _pass_on(self) -> None:
        """Let the instruction fault again under the handler that was there before; at the second time under none."""
        action = self._action(0) if self._passed_on else self._theirs
        self._passed_on = True
        self._libc.sigaction(signal.SIGBUS, self._ctypes.byref(action), None)

    def _current(self) -> Any:
        current = self._action(0)
        self._libc.sigaction(signal.SIGBUS, None, self._ctypes.byref(current))
        return current

    def _action(self, handler: int) -> Any:
        action = _sigaction_type()()
        action.handler = handler or None
        action.flags = _SA_SIGINFO | _SA_NODEFER | _SA_ONSTACK if handler else 0
        return action


def _is_short(watched: _Watched) -> bool:
    with contextlib.suppress(OSError):
        return os.stat(watched.path).st_size < watched.end - watched.start
    return False


@functools.cache
def _sigaction_type() -> type[ctypes.Structure]:
    """``struct sigaction`` as the C libraries of 64-bit Linux declare it."""
    import ctypes

    class Sigaction(ctypes.Structure):
        _fields_ = (
            ("handler", ctypes.c_void_p),
            ("mask", ctypes.c_ubyte * 128),
            ("flags", ctypes.c_int),
            ("restorer", ctypes.c_void_p),
        )

    return Sigaction


@functools.cache
def process_guard() -> MapGuard:
    """The guard of this process: a signal handler belongs to the process, whoever asks for it."""
    return MapGuard()
