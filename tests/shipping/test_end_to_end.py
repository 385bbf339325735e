"""A job, Kafka, a worker and a store: what the job logged is read, by others and by itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka_field import Field
from sdk.children import run
from shipping.jobs import ending_shippers, kafka

pytestmark = pytest.mark.kafka

JOB = """
import json
exp = epochal.experiment("e", variables={"lr": [0.1, 0.2]})
for variables in exp.grid():
    with exp.trial(variables).run("training") as run:
        run.log_params(variables)
        for i in range(5_000):
            run.log({"loss": i * variables["lr"]}, step=i)
store = epochal.open()
table = store.report("e", metrics=["loss"])
print(json.dumps(sorted(zip(table["lr"], table["loss - Count"].astype(int).tolist(), table["loss - Last"].tolist(),
                            table["Status"]))))
"""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    with ending_shippers(tmp_path):
        yield tmp_path


def test_a_job_reads_what_it_logged_through_kafka(
    request: pytest.FixtureRequest, topic_prefix: str, home: Path
) -> None:
    """The three lines and the report are the same as without Kafka; only the setting is another."""
    field = Field(request.getfixturevalue("kafka"), topic_prefix, home / "field")
    try:
        field.worker().ready()
        settings = kafka(field.servers, topic_prefix, EPOCHAL_STORE=str(field.store), EPOCHAL_HOST="auto")
        child = run(JOB, home, settings)
        assert json.loads(child.out) == [[lr, 5000, 4999 * lr, "completed"] for lr in (0.1, 0.2)]
        assert "isn't all in the store" not in child.err
        said = run("import subprocess, sys; subprocess.run([sys.executable, '-m', 'epochal.cli', 'doctor', '--json'])",
                   home, settings).out  # fmt: skip
        doctor = json.loads(said)["kafka"]
        assert doctor["servers"] == field.servers
        assert isinstance(doctor["shipper"], int)
        assert doctor["problem"] == ""
    finally:
        field.close()
