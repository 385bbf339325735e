"""What the benchmarks share with the tests: brokers, real workers, the end of a shipper."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))

from kafka_broker import BrokerError, any_broker
from kafka_field import Field
from shipping.jobs import end_shipper
from worker_process import WorkerProcess

__all__ = ["BrokerError", "Field", "WorkerProcess", "any_broker", "end_shipper"]
