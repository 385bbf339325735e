"""What surrounds a run, captured in the background: code, packages, environment variables, host.

A capture that fails is recorded as an error on the component; training never notices.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ._about import About
from ._contents import Contents, Record
from ._entity_events import environment_captured
from ._errors import MisuseError
from ._events import Event
from ._imports import import_in_background
from ._values import to_json

__all__ = ["Captured", "Outlook", "Surroundings", "capture"]

FRESH_S: Final = 60.0
"""Runs of one process that begin within this time share one look around."""


@dataclass(frozen=True)
class Captured:
    """One look around: section to values, and the patch from the commit to the working tree."""

    sections: dict[str, dict[str, Any]]
    diff: bytes | None
    seen_at: float


class Surroundings:
    """Looks around once for one run, in a thread of its own."""

    def __init__(self, about: About, say: Callable[[Event], None], contents: Contents, look: Callable[[], Captured]):
        self._about = about
        self._say = say
        self._contents = contents
        self._look = look
        self._thread = threading.Thread(target=self._work, name="epochal-capture", daemon=True)

    def start(self) -> None:
        """Begins; returns at once."""
        self._thread.start()

    def finish(self, timeout_s: float) -> None:
        """Waits for what is being captured."""
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def _work(self) -> None:
        try:
            self._record(self._look())
        except MisuseError:
            return  # the run was finished in a hurry, before this was done
        except Exception as error:  # noqa: BLE001  the thread's border: a strange machine must not disturb the training
            self._say_section("capture", {"error": f"{type(error).__name__}: {error}"})

    def _record(self, seen: Captured) -> None:
        for section, values in seen.sections.items():
            self._say_section(section, values)
        if seen.diff:
            name, media_type = "sys/code.diff", "text/x-diff"
            record = Record(str(self._about.component), self._about.rank, name, "in", self._say, media_type=media_type)
            self._contents.keep(record, seen.diff)

    def _say_section(self, section: str, values: Mapping[str, Any]) -> None:
        said = to_json(dict(values))
        assert isinstance(said, dict)
        self._say(
            environment_captured(
                component=str(self._about.component), rank=self._about.rank, section=section, values=said
            )
        )


def capture(wanted: frozenset[str], environ: Mapping[str, str]) -> Captured:
    """Looks around, as far as wanted; secrets are redacted."""
    _import(wanted)
    sections: dict[str, dict[str, Any]] = {}
    diff: bytes | None = None
    if "code" in wanted:
        from ._capture.code import capture_code

        code = capture_code(Path.cwd(), _script())
        sections["code"], diff = code.values(), code.diff
    if "packages" in wanted:
        from ._capture.packages import capture_packages

        sections["packages"] = capture_packages()
    if "env" in wanted:
        from ._capture.env import capture_env

        sections["env"] = dict(capture_env(environ))
    if "host" in wanted:
        from ._capture.host import capture_host

        sections["host"] = capture_host(environ)
    return Captured(sections, diff, time.monotonic())


class Outlook:
    """The look around that runs of one process share while it is fresh."""

    def __init__(self, wanted: frozenset[str]) -> None:
        self._wanted = wanted
        self._lock = threading.Lock()
        self._last: Captured | None = None

    def __call__(self) -> Captured:
        """A look that is no older than a minute."""
        with self._lock:
            if self._last is None or time.monotonic() - self._last.seen_at > FRESH_S:
                self._last = capture(self._wanted, dict(os.environ))
            return self._last


def _import(wanted: frozenset[str]) -> None:
    ours = [f"epochal._capture.{part}" for part in ("code", "packages", "env", "host") if part in wanted]
    import_in_background("subprocess", "tempfile", "shutil", *ours)


def _script() -> Path | None:
    main = sys.modules.get("__main__")
    file = getattr(main, "__file__", None)
    if not isinstance(file, str) or "epochal" in (getattr(main, "__package__", None), Path(file).name):
        return None  # `epochal run` is about the code where it stands, not about this command
    return Path(file)
