"""Two hundred jobs at once, and few workers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from chaos.estate import state_of
from injecting import Chaos
from kafka_field import Field
from promises.job import value
from promises.jobs import TESTS, environment
from shipping.jobs import ending_shippers, kafka
from worker_process import PATIENCE_S, until

pytestmark = pytest.mark.kafka
PROCESSES, THREADS, CALLS = 4, 50, 150


@pytest.mark.chaos("200 jobs at once", times=1)
@pytest.mark.parametrize("workers", [1, 2, 4])
def test_two_hundred_jobs_at_once(field: Field, tmp_path: Path, chaos: Chaos, workers: int) -> None:
    """Four processes of fifty threads: every certificate is closed, every point is there once."""
    with ending_shippers(tmp_path):
        for _ in range(workers):
            field.worker().ready()
        settings = kafka(field.servers, field.prefix, HOME=str(tmp_path), EPOCHAL_HOST="none")
        started = [
            subprocess.Popen(
                [sys.executable, "-m", "chaos.many_jobs", "many", str(first), str(THREADS), str(CALLS)],
                cwd=TESTS,
                stdout=subprocess.PIPE,
                env=environment(field.store, **settings),
            )
            for first in range(0, PROCESSES * THREADS, THREADS)
        ]
        components: dict[str, int] = {}
        for process in started:
            out, _ = process.communicate(timeout=PATIENCE_S)
            assert process.returncode == 0
            components |= {component: int(number) for number, component in json.loads(out).items()}
        chaos.note()
        assert len(components) == PROCESSES * THREADS
        store = field.open()
        for component in components:
            until(lambda one=component: state_of(store, one) == "closed", component)  # type: ignore[misc]
        frame = store.metrics(experiment="many")
        assert len(frame) == 2 * CALLS * len(components)
        for (one, metric), part in frame.groupby(["component", "metric"]):
            factor, seed = {"loss": 1.0, "half": 0.5}[str(metric)], components[str(one)]
            assert part["step"].tolist() == list(map(float, range(CALLS)))
            assert part["value"].tolist() == [value(seed, call) * factor for call in range(CALLS)]
        assert set(store.report("many")["Status"]) == {"completed"}
        store.close()
        assert [worker.stop() for worker in field.workers] == [0] * workers
