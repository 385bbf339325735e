"""The machine as it is: what there is is told, what there is not is absent, and nothing is raised."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from epochal._capture.host import capture_host, parse_gpus
from epochal._capture.system import SystemSampler

NVML = """
#include <string.h>
typedef struct { unsigned long long total, free, used; } memory_t;
typedef struct { unsigned int gpu, memory; } utilization_t;
int nvmlInit_v2(void) { return 0; }
int nvmlDeviceGetCount_v2(unsigned int *count) { *count = 3; return 0; }
int nvmlDeviceGetHandleByIndex_v2(unsigned int index, void **device) {
  *device = (void *)(unsigned long)(index + 1); return index == 2 ? 15 : 0; }
int nvmlDeviceGetUUID(void *device, char *text, unsigned int length) {
  strncpy(text, device == (void *)1 ? "GPU-aaaa-1" : "GPU-bbbb-2", length); return 0; }
int nvmlDeviceGetUtilizationRates(void *device, utilization_t *found) {
  found->gpu = 40 + (unsigned int)(unsigned long)device; found->memory = 7; return 0; }
int nvmlDeviceGetMemoryInfo(void *device, memory_t *found) {
  found->total = 80ull << 30; found->used = 20ull << 30; found->free = 60ull << 30; return 0; }
int nvmlDeviceGetTemperature(void *device, int sensor, unsigned int *found) { *found = 55; return sensor; }
int nvmlDeviceGetPowerUsage(void *device, unsigned int *found) { *found = 123456; return device == (void *)2 ? 3 : 0; }
"""
"""Two GPUs and a lost one; the second has no power meter."""

FIRST = {
    "sys/gpu.0.utilization": 41.0,
    "sys/gpu.0.memory.used_bytes": float(20 << 30),
    "sys/gpu.0.memory.percent": 25.0,
    "sys/gpu.0.temperature_c": 55.0,
    "sys/gpu.0.power_w": 123.456,
}
SECOND = {name.replace("gpu.0", "gpu.1"): value for name, value in FIRST.items() if "power" not in name} | {
    "sys/gpu.1.utilization": 42.0
}


def test_the_host_is_described() -> None:
    found = capture_host(os.environ)
    assert json.loads(json.dumps(found)) == found
    assert found["python"] == ".".join(map(str, sys.version_info[:3]))
    assert found["cpu"]["count"] == os.cpu_count()
    assert found["memory_bytes"] > 2**20
    assert found["hostname"] == os.uname().nodename


def test_schedulers_tell_their_ids_but_no_secrets() -> None:
    environ = {
        "SLURM_JOB_ID": "42",
        "SLURM_JWT": "x.y.z",
        "PBS_JOBID": "7.head",
        "LSB_JOBID": "8",
        "RAY_JOB_ID": "01000000",
        "TRAINING_JOB_ARN": "arn:aws:sagemaker:eu-central-1:1:training-job/x",
        "KUBERNETES_SERVICE_HOST": "10.0.0.1",
        "JOB_COMPLETION_INDEX": "3",
        "AWS_BATCH_JOB_ID": "b-1",
        "RANK": "0",
        "HOME": "/home/me",
    }
    found = capture_host(environ)["scheduler"]
    assert found["slurm"] == {"SLURM_JOB_ID": "42", "SLURM_JWT": "[redacted]"}
    assert found["pbs"] == {"PBS_JOBID": "7.head"}
    assert found["lsf"] == {"LSB_JOBID": "8"}
    assert found["ray"] == {"RAY_JOB_ID": "01000000"}
    assert found["sagemaker"] == {"TRAINING_JOB_ARN": environ["TRAINING_JOB_ARN"]}
    assert found["kubernetes"] == {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "JOB_COMPLETION_INDEX": "3"}
    assert found["aws-batch"] == {"AWS_BATCH_JOB_ID": "b-1"}
    assert "torchrun" not in found, "RANK alone is anybody's"
    assert capture_host({"TORCHELASTIC_RUN_ID": "r", "RANK": "0"})["scheduler"]["torchrun"]["RANK"] == "0"
    assert "scheduler" not in capture_host({"HOME": "/home/me"})


def test_the_container_s_image_is_told() -> None:
    found = capture_host({"APPTAINER_CONTAINER": "/images/x.sif"})["container"]
    assert found["image"] == "/images/x.sif"
    secret = {"KUBERNETES_SERVICE_HOST": "h", "CONTAINER_IMAGE": "https://u:p@registry/x:1"}
    assert capture_host(secret)["container"]["image"] == "https://[redacted]@registry/x:1"


def test_gpus_are_read_from_the_tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "nvidia-smi").write_text('#!/bin/sh\necho "0, NVIDIA H200, GPU-1, 143771, 570.1"\n')
    (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    expected = {
        "index": 0,
        "name": "NVIDIA H200",
        "uuid": "GPU-1",
        "memory_bytes": 143771 * 1024**2,
        "driver": "570.1",
    }
    assert capture_host({})["gpus"] == [expected]
    assert parse_gpus("0, MIG, GPU-1, [N/A], 570.1\nFailed to initialize NVML\n")[0]["memory_bytes"] is None


@pytest.mark.parametrize("behaviour", ["exec sleep 600", "exit 9"])
def test_a_tool_that_hangs_or_fails_is_an_error_as_a_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, behaviour: str
) -> None:
    (tmp_path / "nvidia-smi").write_text(f"#!/bin/sh\n{behaviour}\n")
    (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    found = capture_host({}, timeout_s=0.3)
    assert "error" in found["gpus"]
    assert found["cpu"]


def test_the_first_sample_has_no_rates_and_the_second_has() -> None:
    clock = iter([10.0, 12.0, 12.0])
    sampler = SystemSampler(visible_gpus="", clock=lambda: next(clock))
    first, second = sampler.sample(), sampler.sample()
    levels = {"sys/memory.used_bytes", "sys/memory.percent", "sys/process.rss_bytes", "sys/process.threads"}
    assert set(first) == levels
    rates = {"sys/cpu.percent", "sys/process.cpu_percent"}
    assert levels | rates <= set(second)
    assert all(isinstance(value, float) for value in second.values())
    assert second["sys/process.rss_bytes"] > 2**20
    assert not [name for name in sampler.sample() if name.endswith("_per_s")], "no time has passed: no rate"


def test_rates_are_per_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of counters that were there before and went up; one that went down (a device that was replaced) has none."""
    clock = iter([10.0, 12.0, 14.0])
    counters = iter([{"a": 100.0, "b": 100.0}, {"a": 300.0, "b": 50.0, "c": 7.0}, {"a": 300.0, "b": 60.0, "c": 9.0}])
    monkeypatch.setattr("epochal._capture.system._counters", lambda: next(counters))
    sampler = SystemSampler(visible_gpus="", clock=lambda: next(clock))
    samples = [sampler.sample() for _ in range(3)]
    assert [{name: sample[name] for name in ("sys/a", "sys/b", "sys/c") if name in sample} for sample in samples] == [
        {},
        {"sys/a": 100.0},
        {"sys/a": 0.0, "sys/b": 5.0, "sys/c": 1.0},
    ]


@pytest.fixture
def nvidia(tmp_path: Path) -> Path:
    """A directory with a library that answers as NVIDIA's does."""
    (tmp_path / "nvml.c").write_text(NVML)
    command = ["cc", "-shared", "-fPIC", "-o", str(tmp_path / "libnvidia-ml.so.1"), str(tmp_path / "nvml.c")]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("no C compiler here")
    return tmp_path


@pytest.mark.parametrize(
    ("visible", "expected"),
    [
        (None, FIRST | SECOND),
        ("1", SECOND),
        ("0,1", FIRST | SECOND),
        ("GPU-bbbb", SECOND),
        ("", {}),
        ("-1", {}),
        ("MIG-123", {}),
    ],
)
def test_gpus_that_this_process_sees_are_sampled(nvidia: Path, visible: str | None, expected: dict[str, float]) -> None:
    script = (
        "import json; from epochal._capture.system import SystemSampler;"
        f"print(json.dumps({{k: v for k, v in SystemSampler({visible!r}).sample().items() if 'gpu' in k}}))"
    )
    environ = os.environ | {"LD_LIBRARY_PATH": str(nvidia)}
    done = subprocess.run([sys.executable, "-c", script], env=environ, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == expected


def test_capturing_loads_nothing_heavy() -> None:
    """Neither psutil nor fsspec nor pydantic nor numpy comes with the modules themselves."""
    script = """
import pkgutil, importlib, sys
import epochal._artifacts, epochal._capture
for package in (epochal._artifacts, epochal._capture):
    for module in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
        importlib.import_module(module.name)
print(sorted({"psutil", "fsspec", "pynvml", "numpy", "pydantic", "pyarrow", "s3fs"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
