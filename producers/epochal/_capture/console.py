"""What the process prints, captured while it goes on to the console as before.

The ``write`` method of the very objects ``sys.stdout`` and ``sys.stderr`` is wrapped; the objects stay what they
are, so ``isatty``, ``fileno``, ``buffer`` and everybody who holds a reference (logging handlers, notebooks) are
undisturbed and captured alike. Not captured: bytes written to ``buffer`` or to the descriptor (C libraries, child
processes), and what a forked child prints.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Generator
from typing import Any, Literal

from epochal._capture.console_text import pieces, tidy
from epochal._capture.redact import redact_text

StreamName = Literal["stdout", "stderr"]
Sink = Callable[[str, str], None]

CHARACTERS_PER_SECOND = 256 * 1024
"""More than this is left out, and counted in the text."""


class ConsoleCapture:
    """Gives what is printed to a sink as ``sink("stdout" | "stderr", text)``, every few seconds, secrets redacted.

    Guarantees: printing works as before, whatever the sink does; memory is bounded; what is left out is counted in
    the text.
    Several captures may be at work at once and be stopped in any order.
    """

    def __init__(self, sink: Sink, flush_interval_s: float = 2.0, max_chunk: int = 64 * 1024) -> None:
        self._sink = sink
        self._interval_s = flush_interval_s
        self._max_chunk = max_chunk
        self._limit = max(max_chunk, int(CHARACTERS_PER_SECOND * flush_interval_s))
        self._buffers: dict[StreamName, _Buffer] = {}
        self._taps: list[_Tap] = []
        self._wake = threading.Event()
        self._flushing = threading.RLock()
        self._thread: threading.Thread | None = None
        self._process = 0

    def start(self) -> None:
        """Begin to capture ``sys.stdout`` and ``sys.stderr`` as they are now; a second call does nothing."""
        if self._taps and self._process == os.getpid():
            return
        self._process = os.getpid()
        self._flushing = threading.RLock()
        self._wake = threading.Event()
        self._taps = []
        streams: tuple[tuple[StreamName, Any], ...] = (("stdout", sys.stdout), ("stderr", sys.stderr))
        for name, stream in streams:
            self._buffers[name] = _Buffer(self._limit)
            tap = _Tap.onto(stream, self._buffers[name].take)
            if tap is not None:
                self._taps.append(tap)
        if self._taps:
            self._thread = threading.Thread(target=self._work, name="epochal-console", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Stop capturing and give the rest to the sink. What somebody else put over our wrapper stays in place."""
        for tap in self._taps:
            tap.remove()
        self._taps = []
        if self._process != os.getpid():
            return
        self._wake.set()
        thread, self._thread = self._thread, None
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout=5)
        self._flush(final=True)

    def take(self, stream: StreamName, text: str) -> None:
        """Keep what somebody else printed, such as a child process."""
        self._buffers[stream].take(text)

    def flush(self) -> None:
        """Give what was printed so far to the sink (an unfinished line may be held back)."""
        if self._process == os.getpid():
            self._flush(final=False)

    def _work(self) -> None:
        wake = self._wake
        while not wake.wait(self._interval_s):
            self._flush(final=False)

    def _flush(self, *, final: bool) -> None:
        with self._flushing:
            for name, buffer in self._buffers.items():
                text = buffer.drain(final=final)
                for piece in pieces(redact_text(text), self._max_chunk):
                    self._give(name, buffer, piece)

    def _give(self, name: StreamName, buffer: _Buffer, piece: str) -> None:
        with buffer.ignoring_this_thread():
            try:
                self._sink(name, piece)
            except Exception:  # noqa: BLE001 - the sink's trouble must not reach who prints; the loss is counted in the text
                buffer.lose(len(piece))


class _Buffer:
    """What one stream printed since the last flush, up to a limit; the rest is counted."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._process = os.getpid()
        # reentrant: a signal handler may print while this very thread prints
        self._lock = threading.RLock()
        self._texts: list[str] = []
        self._size = 0
        self._left_out = 0
        self._failed = 0
        self._held = ""
        self._ignored: set[int] = set()

    def take(self, text: str) -> None:
        """Keep a text that was printed; in a forked child it is not ours to keep."""
        if os.getpid() != self._process or threading.get_ident() in self._ignored:
            return
        with self._lock:
            room = self._limit - self._size
            if len(text) > room:
                self._left_out += len(text) - room
                text = text[:room]
            if text:
                self._texts.append(text)
                self._size += len(text)

    def lose(self, count: int) -> None:
        """Count characters that the sink refused."""
        self._failed += count

    def drain(self, *, final: bool) -> str:
        """What to keep now."""
        with self._lock:
            texts, self._texts = self._texts, []
            left_out, self._left_out = self._left_out, 0
            failed, self._failed = self._failed, 0
            self._size = 0
        printed = "".join(texts).encode("utf-8", "backslashreplace").decode()
        tidied = tidy(printed, held=self._held, final=final or bool(left_out))
        self._held = tidied.held
        before = f"[… {failed:,} characters left out: they could not be recorded]\n" if failed else ""
        limit = f"{CHARACTERS_PER_SECOND // 1024} KiB"
        after = f"\n[… {left_out:,} characters left out: console capture keeps {limit} a second]\n" if left_out else ""
        return before + tidied.text + after

    @contextlib.contextmanager
    def ignoring_this_thread(self) -> Generator[None]:
        """What this thread prints meanwhile is not kept: a sink that prints would feed itself for ever."""
        me = threading.get_ident()
        self._ignored.add(me)
        try:
            yield
        finally:
            self._ignored.discard(me)


class _Tap:
    """Stands in for the ``write`` method of one stream object."""

    def __init__(self, stream: Any, take: Callable[[str], None]) -> None:
        self._stream = stream
        self._take: Callable[[str], None] | None = take
        self._own = "write" in vars(stream)
        self._write: Callable[[str], Any] = stream.write

    @classmethod
    def onto(cls, stream: Any, take: Callable[[str], None]) -> _Tap | None:
        """A tap in place; None where there is no stream, or one whose methods can't be replaced."""
        try:
            tap = cls(stream, take)
            stream.write = tap
        except (AttributeError, TypeError):
            return None
        return tap

    def __call__(self, text: str) -> Any:
        written = self._write(text)
        if self._take is not None:
            self._take(text)
        return written

    def remove(self) -> None:
        """Stop taking; step aside when nobody stands in front of us, and take those with us who have stopped before."""
        self._take = None
        current = self._stream.write
        while isinstance(current, _Tap) and current._take is None:
            if current._own:
                self._stream.write = current._write
            else:
                del self._stream.write
            current = self._stream.write
