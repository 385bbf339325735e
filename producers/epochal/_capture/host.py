"""The machine and what it runs in: hardware, operating system, Python, container, scheduler."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from epochal._capture.env import capture_env

_SCHEDULERS = {
    "slurm": "SLURM_",
    "pbs": "PBS_",
    "lsf": "LSB_",
    "sge": "SGE_",
    "ray": "RAY_",
    "kubernetes": "KUBERNETES_",
    "torchrun": "TORCHELASTIC_",
    "openmpi": "OMPI_",
    "sagemaker": "SM_",
}
_SINGLE = {
    "sagemaker": ("TRAINING_JOB_ARN", "TRAINING_JOB_NAME"),
    "sge": ("JOB_ID",),
    "aws-batch": ("AWS_BATCH_JOB_ID", "AWS_BATCH_JQ_NAME"),
    "vertex": ("CLOUD_ML_JOB_ID", "CLOUD_ML_PROJECT_ID"),
    "azureml": ("AZUREML_RUN_ID",),
    "kubernetes": ("JOB_COMPLETION_INDEX", "POD_NAME", "POD_NAMESPACE", "NODE_NAME"),
    "torchrun": ("RANK", "LOCAL_RANK", "WORLD_SIZE", "GROUP_RANK", "MASTER_ADDR", "MASTER_PORT"),
}
_IMAGE = ("CONTAINER_IMAGE", "IMAGE", "IMAGE_NAME", "DOCKER_IMAGE", "SINGULARITY_CONTAINER", "APPTAINER_CONTAINER")
_CONTAINER_ID = re.compile(r"(?:docker|containerd|crio|libpod|kubepods)\S*?([0-9a-f]{64})")
_CGROUP_FILES = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def capture_host(environ: Mapping[str, str], timeout_s: float = 5.0) -> dict[str, Any]:
    """What can be found out, as JSON values; absent where there is none. Never raises; sizes are in bytes.

    ``timeout_s`` bounds the search for GPUs.
    """
    parts: dict[str, Callable[[], Any]] = {
        "hostname": platform.node,
        "os": platform.platform,
        "kernel": platform.release,
        "machine": platform.machine,
        "python": platform.python_version,
        "python_implementation": platform.python_implementation,
        "executable": lambda: sys.executable,
        "cpu": _cpu,
        "memory_bytes": _memory,
        "memory_limit_bytes": _memory_limit,
        "gpus": lambda: _gpus(timeout_s),
        "container": lambda: _container(environ),
        "scheduler": lambda: _scheduler(environ),
    }
    found = {name: _safely(part) for name, part in parts.items()}
    return {name: value for name, value in found.items() if value not in (None, {}, [], "")}


def _safely(part: Callable[[], Any]) -> Any:
    try:
        return part()
    except Exception as error:  # noqa: BLE001 - capture's border: a strange machine must not stop the training
        return {"error": f"{type(error).__name__}: {error}"}


def _cpu() -> dict[str, Any]:
    cpu: dict[str, Any] = {"model": _cpu_model(), "count": os.cpu_count()}
    if hasattr(os, "sched_getaffinity"):
        cpu["usable"] = len(os.sched_getaffinity(0))
    return {name: value for name, value in cpu.items() if value}


def _cpu_model() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() in ("model name", "Hardware"):
                return value.strip()
    except OSError:
        pass
    return platform.processor()


def _memory() -> int:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _memory_limit() -> int | None:
    for name in _CGROUP_FILES:
        try:
            text = Path(name).read_text().strip()
        except OSError:
            continue
        if text.isdecimal() and int(text) < 1 << 60:
            return int(text)
    return None


def _gpus(timeout_s: float) -> list[dict[str, Any]]:
    """By NVIDIA's own tool, as it needs no library; none where it is not installed."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return []
    fields = "index,name,uuid,memory.total,driver_version"
    command = [tool, f"--query-gpu={fields}", "--format=csv,noheader,nounits"]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout_s, check=True
    )
    return parse_gpus(done.stdout)


def parse_gpus(text: str) -> list[dict[str, Any]]:
    """The GPUs in nvidia-smi's table (index, name, uuid, MiB of memory, driver)."""
    gpus: list[dict[str, Any]] = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.split(",")]
        if len(cells) == 5 and cells[0].isdecimal():
            memory = int(cells[3]) * 1024**2 if cells[3].isdecimal() else None
            gpus.append(
                {
                    "index": int(cells[0]),
                    "name": cells[1],
                    "uuid": cells[2],
                    "memory_bytes": memory,
                    "driver": cells[4],
                }
            )
    return gpus


def _container(environ: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if Path("/.dockerenv").exists():
        found["runtime"] = "docker"
    elif Path("/run/.containerenv").exists():
        found["runtime"] = "podman"
    elif "SINGULARITY_CONTAINER" in environ or "APPTAINER_CONTAINER" in environ:
        found["runtime"] = "apptainer"
    elif "KUBERNETES_SERVICE_HOST" in environ:
        found["runtime"] = "kubernetes"
    for name in ("/proc/self/cgroup", "/proc/self/mountinfo"):
        found_id = _container_id(name)
        if found_id is not None:
            found["id"] = found_id
            break
    image = next((environ[name] for name in _IMAGE if environ.get(name)), None)
    if image is not None and found:
        found["image"] = capture_env({"image": image})["image"]
    return found


def _container_id(name: str) -> str | None:
    try:
        match = _CONTAINER_ID.search(Path(name).read_text(errors="replace"))
    except OSError:
        return None
    return match[1] if match else None


def _scheduler(environ: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Each scheduler's own variables, redacted."""
    found: dict[str, dict[str, str]] = {}
    for scheduler in sorted({*_SCHEDULERS, *_SINGLE}):
        prefix = _SCHEDULERS.get(scheduler)
        chosen = {name: value for name, value in environ.items() if prefix is not None and name.startswith(prefix)}
        # single names are too common to tell of a scheduler by themselves, where it has a prefix of its own
        if chosen or prefix is None or scheduler in ("sagemaker", "kubernetes"):
            chosen |= {name: environ[name] for name in _SINGLE.get(scheduler, ()) if name in environ}
        if chosen:
            found[scheduler] = capture_env(chosen)
    return found
