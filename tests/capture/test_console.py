"""The console is captured without anybody noticing: what is printed is printed, and captured whole or counted."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import pty
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epochal._capture import console
from epochal._capture.console import ConsoleCapture
from epochal._capture.console_text import pieces, tidy

NEVER = 3600.0
"""A flush interval that is not reached: tests flush by themselves."""


class Sink:
    """Keeps what it is given."""

    def __init__(self) -> None:
        self.given: list[tuple[str, str]] = []

    def __call__(self, stream: str, text: str) -> None:
        self.given.append((stream, text))

    def text(self, stream: str = "stdout") -> str:
        return "".join(text for name, text in self.given if name == stream)


def own_streams(monkeypatch: pytest.MonkeyPatch) -> tuple[io.StringIO, io.StringIO]:
    """Streams of the test's own in place of the real ones (not a fixture: pytest puts its own in place after those)."""
    out, err = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    return out, err


@contextlib.contextmanager
def capturing(sink: Sink, **options: float | int) -> Iterator[ConsoleCapture]:
    capture = ConsoleCapture(sink, flush_interval_s=NEVER, **options)  # type: ignore[arg-type]
    capture.start()
    try:
        yield capture
    finally:
        capture.stop()


def test_what_is_printed_is_printed_and_captured(monkeypatch: pytest.MonkeyPatch) -> None:
    streams = own_streams(monkeypatch)
    sink = Sink()
    with capturing(sink):
        print("hello", "world")
        print("trouble", file=sys.stderr)
        print("no newline", end="")
    print("after")
    assert streams[0].getvalue() == "hello world\nno newlineafter\n"
    assert streams[1].getvalue() == "trouble\n"
    assert sink.text() == "hello world\nno newline"
    assert sink.text("stderr") == "trouble\n"


def test_it_is_given_to_the_sink_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the background, every few moments."""
    own_streams(monkeypatch)
    arrived = threading.Event()
    capture = ConsoleCapture(lambda stream, text: arrived.set(), flush_interval_s=0.01)
    capture.start()
    print("hello")
    assert arrived.wait(60)
    capture.stop()


def test_progress_bars_are_kept_by_their_last_state(monkeypatch: pytest.MonkeyPatch) -> None:
    own_streams(monkeypatch)
    sink = Sink()
    with capturing(sink) as capture:
        for step in range(50):
            print(f"\r{step}%", end="")
        capture.flush()
        for step in range(50, 101):
            print(f"\r{step}%", end="")
        print()
        print("windows line\r\n", end="")
    assert sink.text() == "49%\r100%\nwindows line\n"


def test_an_unfinished_line_waits_for_its_end_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    own_streams(monkeypatch)
    sink = Sink()
    with capturing(sink) as capture:
        print("loss: ", end="")
        capture.flush()
        assert sink.text() == ""
        print("0.5")
        capture.flush()
        assert sink.text() == "loss: 0.5\n"
        print("prompt> ", end="")
        capture.flush()
        capture.flush()
        assert sink.text() == "loss: 0.5\nprompt> "


def test_secrets_are_redacted_even_when_printed_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    streams = own_streams(monkeypatch)
    sink = Sink()
    with capturing(sink) as capture:
        print("HF_TOKEN=hf_abcdefghijklm", end="")
        capture.flush()
        print("nopqrstuvwxyzABCDEFGHIJ")
    assert sink.text() == "HF_TOKEN=[redacted]\n"
    assert "hf_abc" in streams[0].getvalue()


def test_what_is_too_much_is_counted_in_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """The console itself shows all of it."""
    streams = own_streams(monkeypatch)
    sink = Sink()
    capture = ConsoleCapture(sink, flush_interval_s=NEVER, max_chunk=1000)
    capture._limit = 10_000
    capture.start()
    for number in range(1000):
        print(f"{number:099}")
    capture.stop()
    assert len(streams[0].getvalue()) == 100_000
    text = sink.text()
    assert text.startswith("0" * 99 + "\n")
    assert "[… 90,000 characters left out: console capture keeps 256 KiB a second]" in text
    assert all(len(piece) <= 1000 for _, piece in sink.given)
    assert len(text) < 10_200


def test_a_failing_sink_does_not_reach_who_prints(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it refused is counted for the next one."""
    streams = own_streams(monkeypatch)
    sink = Sink()
    refuse = [True]

    def sometimes(stream: str, text: str) -> None:
        if refuse[0]:
            raise OSError("journal is gone")
        sink(stream, text)

    capture = ConsoleCapture(sometimes, flush_interval_s=NEVER)
    capture.start()
    print("lost")
    capture.flush()
    refuse[0] = False
    print("kept")
    capture.stop()
    assert streams[0].getvalue() == "lost\nkept\n"
    assert sink.text() == "[… 5 characters left out: they could not be recorded]\nkept\n"


def test_a_sink_that_prints_does_not_feed_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    streams = own_streams(monkeypatch)
    given: list[str] = []

    def sink(stream: str, text: str) -> None:
        given.append(text)
        print("recording", text)

    capture = ConsoleCapture(sink, flush_interval_s=NEVER)
    capture.start()
    print("x")
    capture.flush()
    capture.stop()
    assert given == ["x\n"]
    assert streams[0].getvalue() == "x\nrecording x\n\n"


@pytest.mark.parametrize("first_stopped", [0, 1])
def test_captures_may_be_nested_and_stopped_in_any_order(monkeypatch: pytest.MonkeyPatch, first_stopped: int) -> None:
    streams = own_streams(monkeypatch)
    sinks = Sink(), Sink()
    captures = [ConsoleCapture(sink, flush_interval_s=NEVER) for sink in sinks]
    captures[0].start()
    print("one")
    captures[1].start()
    print("both")
    captures[first_stopped].stop()
    print("other")
    captures[1 - first_stopped].stop()
    print("none")
    expected = ["one\nboth\n", "both\n"]
    expected[1 - first_stopped] += "other\n"
    assert [sink.text() for sink in sinks] == expected
    assert streams[0].getvalue() == "one\nboth\nother\nnone\n"
    assert "write" not in vars(streams[0]), "the stream is as it was"


def test_what_somebody_put_over_us_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another library that wraps the same stream is not undone by us, and works on."""
    streams = own_streams(monkeypatch)
    sink = Sink()
    capture = ConsoleCapture(sink, flush_interval_s=NEVER)
    capture.start()
    ours = sys.stdout.write
    seen: list[str] = []

    def theirs(text: str) -> int:
        seen.append(text)
        return ours(text)

    sys.stdout.write = theirs  # type: ignore[method-assign]
    capture.stop()
    print("after")
    assert sys.stdout.write is theirs
    assert seen == ["after", "\n"]
    assert streams[0].getvalue() == "after\n"
    assert sink.text() == ""


def test_starting_and_stopping_again(monkeypatch: pytest.MonkeyPatch) -> None:
    own_streams(monkeypatch)
    sink = Sink()
    capture = ConsoleCapture(sink, flush_interval_s=NEVER)
    capture.stop()
    for _ in range(2):
        capture.start()
        capture.start()
        print("x")
        capture.stop()
        capture.stop()
    assert sink.text() == "x\nx\n"


def test_logging_handlers_made_before_are_captured(monkeypatch: pytest.MonkeyPatch) -> None:
    """They hold the stream object itself; so does everybody who imported sys.stderr."""
    own_streams(monkeypatch)
    logger = logging.getLogger("epochal-console-test")
    handler = logging.StreamHandler()
    logger.addHandler(handler)
    sink = Sink()
    try:
        with capturing(sink):
            logger.warning("careful")
    finally:
        logger.removeHandler(handler)
    assert sink.text("stderr") == "careful\n"


def test_redirected_output_is_not_the_console(monkeypatch: pytest.MonkeyPatch) -> None:
    own_streams(monkeypatch)
    sink = Sink()
    with capturing(sink):
        with contextlib.redirect_stdout(io.StringIO()) as caught:
            print("to a file")
        print("to the console")
    assert caught.getvalue() == "to a file\n"
    assert sink.text() == "to the console\n"


def test_threads_lose_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight print at once while a ninth flushes; every line is there once and whole."""
    own_streams(monkeypatch)
    sink = Sink()
    with capturing(sink) as capture:
        threads = [
            threading.Thread(target=lambda name=name: [sys.stdout.write(f"{name}-{i}\n") for i in range(2000)])
            for name in range(8)
        ]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            capture.flush()
        for thread in threads:
            thread.join()
    expected = sorted(f"{name}-{i}" for name in range(8) for i in range(2000))
    assert sorted(sink.text().splitlines()) == expected


@pytest.mark.usefixtures("untraced")
def test_a_signal_handler_may_print_while_something_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would wait for ever for a lock that its own thread holds, if that lock were not reentrant."""
    own_streams(monkeypatch)
    sink = Sink()
    handled = [0]

    def handler(number: int, frame: object) -> None:
        handled[0] += 1
        print("signal")

    before = signal.signal(signal.SIGALRM, handler)
    capture = ConsoleCapture(sink, flush_interval_s=0.001)
    capture.start()
    signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
    try:
        while handled[0] < 200:
            print("x")
        signal.setitimer(signal.ITIMER_REAL, 0)
        capture.stop()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert sink.text().count("signal") == handled[0]


def test_streams_that_are_missing_or_can_not_be_wrapped_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    class Sealed:
        __slots__ = ()

        def write(self, text: str) -> int:
            return len(text)

    monkeypatch.setattr(sys, "stdout", Sealed())
    monkeypatch.setattr(sys, "stderr", None)
    sink = Sink()
    with capturing(sink):
        print("x")
    assert sink.given == []


def test_odd_text_is_kept_readable(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file name that is not UTF-8 can be printed; JSON could not hold it."""
    own_streams(monkeypatch)
    sink = Sink()
    with capturing(sink):
        sys.stdout.write("caf\udce9 🚀\n")
    assert sink.text() == "caf\\udce9 🚀\n"


def test_an_error_while_printing_is_the_printer_s_and_captures_nothing() -> None:
    sink = Sink()
    closed = io.StringIO()
    with contextlib.redirect_stdout(closed), capturing(sink):
        closed.close()
        with pytest.raises(ValueError, match="closed file"):
            print("x")
    assert sink.given == []


CHILD = """
import os, sys
from epochal._capture.console import ConsoleCapture
given = []
before = sys.stdout, sys.stdout.isatty(), sys.stdout.encoding, sys.stdout.fileno(), sys.stdout.buffer
capture = ConsoleCapture(lambda stream, text: given.append(text), flush_interval_s=3600)
capture.start()
assert (sys.stdout, sys.stdout.isatty(), sys.stdout.encoding, sys.stdout.fileno(), sys.stdout.buffer) == before
assert sys.stdout.isatty() is (sys.argv[1] == "tty")
assert sys.stdout.write("four") == 4
print(" printed", flush=True)
sys.stdout.writelines(["a\\n", "b\\n"])
sys.stdout.buffer.write(b"bytes\\n")
sys.stdout.flush()
os.write(1, b"descriptor\\n")
child = os.fork()
if child == 0:
    print("child", flush=True)
    capture.stop()
    print("child still prints", flush=True)
    own = []
    again = ConsoleCapture(lambda stream, text: own.append(text), flush_interval_s=3600)
    again.start()
    print("child captures", flush=True)
    again.stop()
    assert own == ["child captures\\n"], own
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
capture.stop()
assert given == ["four printed\\na\\nb\\n"], given
print("end", flush=True)
"""
EXPECTED = "four printed\na\nb\nbytes\ndescriptor\nchild\nchild still prints\nchild captures\nend\n"


def test_a_real_stream_stays_what_it_is() -> None:
    """Identity, terminal, encoding, descriptor, buffer; forked children print on and may capture by themselves."""
    done = subprocess.run([sys.executable, "-c", CHILD, "pipe"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, EXPECTED, "")


def test_a_terminal_stays_a_terminal() -> None:
    leader, follower = pty.openpty()
    child = subprocess.Popen([sys.executable, "-c", CHILD, "tty"], stdout=follower, stderr=subprocess.PIPE, text=True)
    os.close(follower)
    shown = b""
    with contextlib.suppress(OSError):  # the terminal's end
        while piece := os.read(leader, 4096):
            shown += piece
    os.close(leader)
    assert child.stderr is not None
    errors = child.stderr.read()
    child.stderr.close()
    assert (child.wait(), errors) == (0, "")
    assert shown.decode().replace("\r\n", "\n") == EXPECTED


def test_an_exception_that_ends_the_process_is_captured() -> None:
    """The traceback is printed by the interpreter itself, after our last line of code."""
    script = """
import atexit
from epochal._capture.console import ConsoleCapture
given = []
capture = ConsoleCapture(lambda stream, text: given.append(text), flush_interval_s=3600)
def end():
    capture.stop()
    assert "ZeroDivisionError" in "".join(given)
    print("captured", flush=True)
atexit.register(end)
capture.start()
1 / 0
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout == "captured\n"
    assert done.stderr.endswith("ZeroDivisionError: division by zero\n")


printed = st.lists(st.text(st.sampled_from("ab\n\r "), max_size=8), max_size=12)


@settings(deadline=None)
@given(printed.map(lambda texts: [text.replace("\r", "") for text in texts]), st.data())
def test_without_carriage_returns_every_character_is_kept(texts: list[str], data: st.DataObject) -> None:
    """However it is cut into flushes."""
    held, kept = "", ""
    for text in texts:
        tidied = tidy(text, held=held, final=data.draw(st.booleans()))
        held, kept = tidied.held, kept + tidied.text
    assert kept + tidy("", held=held, final=True).text == "".join(texts)


def visible(text: str) -> str:
    """What a terminal shows at the end, if later text replaces a line from its beginning."""
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))


@settings(deadline=None)
@given(printed)
def test_with_carriage_returns_what_remains_visible_is_kept(texts: list[str]) -> None:
    held, kept = "", ""
    for text in texts:
        tidied = tidy(text, held=held)
        held, kept = tidied.held, kept + tidied.text
    kept += tidy("", held=held, final=True).text
    assert len(kept) <= len("".join(texts)) + len(texts)
    assert kept.count("\n") == "".join(texts).count("\n")


@settings(deadline=None)
@given(st.text(st.sampled_from("ab\n"), max_size=200), st.integers(1, 50))
def test_pieces_are_all_of_the_text(text: str, size: int) -> None:
    cut = list(pieces(text, size))
    assert "".join(cut) == text
    assert all(0 < len(piece) <= size for piece in cut)


def test_the_limit_is_the_one_that_is_said() -> None:
    assert console.CHARACTERS_PER_SECOND == 256 * 1024
