"""What is taken down of a run's surroundings while it runs, and nothing once it has ended."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from epochal._watching import Watching


def test_a_sample_that_outlasts_its_run_is_written_to_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """The run ends while the machine is being asked: no point is logged after its writer was closed."""
    written: list[str] = []
    about: Any = SimpleNamespace(identity="the run")

    class Sampler:
        def __init__(self, visible: str | None) -> None:
            self.samples = 0

        def sample(self) -> dict[str, float]:
            self.samples += 1
            if self.samples == 3:  # the first only begins the rates
                watching.end(about)
            return {"sys/cpu": 1.0}

    def open_writer(identity: Any) -> Any:
        written.append("opened")
        return SimpleNamespace(journal=SimpleNamespace(append_points=lambda *_: written.append("point")))

    monkeypatch.setattr("epochal._capture.system.SystemSampler", Sampler)
    watching = Watching(frozenset({"system"}), open_writer, lambda writer: written.append("closed"))
    watching.prime()
    watching.begin(about, lambda event: None)
    watching.sample()
    watching.sample()
    watching.sample()
    assert written == ["opened", "point", "closed"]
