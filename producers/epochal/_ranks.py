"""Which rank of which launch this process is, from what the launcher put into the environment.

All ranks of one launch are one component with no word said, so every rank must work out the same *job*: the
launcher's own id of the launch. Where a launcher gives ranks but nothing that they all share, :attr:`Launch.job` is
None and the process is a component of its own; :attr:`Launch.trouble` says so.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

__all__ = ["Launch", "find_launch"]


@dataclass(frozen=True)
class Launch:
    """This process's place in a launch."""

    launcher: str = ""
    rank: int = 0
    world_size: int = 1
    job: str | None = None
    """The same text on every rank of the launch; None when this process is alone or nothing is shared."""
    restart: int = 0
    trouble: str | None = None
    details: dict[str, str] = field(default_factory=dict[str, str])


Finder = Callable[[Mapping[str, str]], "Launch | None"]


def find_launch(environ: Mapping[str, str] = os.environ) -> Launch:
    """The launch this process belongs to; a launch of one when there is none.

    The innermost launcher wins: torchrun inside ``srun`` is torchrun. A launch of one process gives no job: such
    processes are components of their own, however many of them one allocation runs one after another.
    """
    for find in _FINDERS:
        launch = find(environ)
        if launch is not None:
            return _checked(launch)
    return Launch()


def _checked(launch: Launch) -> Launch:
    if launch.trouble is not None:
        return launch
    if not 0 <= launch.rank < launch.world_size:
        return Launch(
            launcher=launch.launcher,
            trouble=f"{launch.launcher} says rank {launch.rank} of {launch.world_size}, which can't be: taken as one "
            "process alone; pass rank= to init to say otherwise",
        )
    if launch.world_size == 1:
        return Launch(launcher=launch.launcher, restart=launch.restart, details=launch.details)
    if launch.job is None:
        return Launch(
            launcher=launch.launcher,
            details=launch.details,
            trouble=f"this is rank {launch.rank} of {launch.world_size} ({launch.launcher}), but nothing in the "
            "environment names the launch for all ranks alike: each rank is recorded as a component of its own. Give "
            "all ranks the same component=TEXT (and rank=) to make them one",
        )
    return launch


def _torchrun(env: Mapping[str, str]) -> Launch | None:
    numbers = _numbers(env, "RANK", "WORLD_SIZE")
    if numbers is None or "TORCHELASTIC_RUN_ID" not in env:
        return None
    run = env["TORCHELASTIC_RUN_ID"]
    shared = [f"{name}={env[name]}" for name in ("SLURM_JOB_ID", "SLURM_STEP_ID") if name in env]
    if run not in ("", "none"):
        shared.insert(0, run)
    if not shared and env.get("GROUP_WORLD_SIZE", "1") == "1":
        shared = _parent()  # without --rdzv-id all launches are called "none"; the agent of this node is our parent
    restart = _number(env, "TORCHELASTIC_RESTART_COUNT") or 0
    return Launch("torchrun", *numbers, ":".join(shared) or None, restart, details=_slurm_details(env))


def _ray(env: Mapping[str, str]) -> Launch | None:
    numbers = _numbers(env, "RANK", "WORLD_SIZE")
    if numbers is None or "RAY_JOB_ID" not in env:
        return None
    job = ":".join(env[name] for name in ("RAY_JOB_ID", "TUNE_TRIAL_ID", "RAY_TRAIN_RUN_ID") if name in env)
    return Launch("ray", *numbers, job)


def _open_mpi(env: Mapping[str, str]) -> Launch | None:
    numbers = _numbers(env, "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE")
    if numbers is None:
        return None
    job = _first(env, "PMIX_NAMESPACE", "OMPI_MCA_ess_base_jobid", "OMPI_MCA_orte_ess_jobid")
    return Launch("openmpi", *numbers, _with_slurm(env, job), details=_slurm_details(env))


def _slurm(env: Mapping[str, str]) -> Launch | None:
    """Only inside a job step (``srun``): a batch script has SLURM_NTASKS too, but is one process."""
    numbers = _numbers(env, "SLURM_PROCID", "SLURM_STEP_NUM_TASKS") or _numbers(env, "SLURM_PROCID", "SLURM_NTASKS")
    step = _first(env, "SLURM_STEP_ID", "SLURM_STEPID")
    if numbers is None or step is None or "SLURM_JOB_ID" not in env:
        return None
    restart = _number(env, "SLURM_RESTART_COUNT") or 0
    return Launch("slurm", *numbers, f"{env['SLURM_JOB_ID']}.{step}", restart, details=_slurm_details(env))


def _pmi(env: Mapping[str, str]) -> Launch | None:
    numbers = _numbers(env, "PMI_RANK", "PMI_SIZE")
    if numbers is None:
        return None
    job = _first(env, "PMI_JOBID", "PMI_ID_JOB", "PMIX_NAMESPACE")
    alone = _number(env, "MPI_LOCALNRANKS") == numbers[1]
    return Launch("pmi", *numbers, job or (":".join(_parent()) if alone else None))


def _kubernetes(env: Mapping[str, str]) -> Launch | None:
    """An indexed job: pods are called <job>-<index> by their host name; completions are given only if asked for."""
    index = _number(env, "JOB_COMPLETION_INDEX")
    if index is None:
        return None
    host = env.get("HOSTNAME", "")
    named = re.fullmatch(rf"(.+)-{index}(?:-[a-z0-9]{{5}})?", host)
    job = env.get("JOB_NAME") or (named.group(1) if named else None)
    size = _number(env, "WORLD_SIZE") or _number(env, "JOB_COMPLETIONS")
    if job is None or size is None:
        missing = "WORLD_SIZE (or JOB_COMPLETIONS)" if size is None else "JOB_NAME"
        return Launch(
            "kubernetes",
            trouble=f"this is index {index} of a Kubernetes indexed job, but the environment does not have {missing}: "
            "recorded as a component of its own; set it in the pod template",
        )
    return Launch("kubernetes", index, size, f"{env.get('POD_NAMESPACE', 'default')}/{job}")


def _bare(env: Mapping[str, str]) -> Launch | None:
    """RANK and WORLD_SIZE set by something we don't know."""
    numbers = _numbers(env, "RANK", "WORLD_SIZE")
    if numbers is None:
        return None
    job = _first(env, "SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID", "AIP_JOB_ID", "TRAINING_JOB_ARN", "JOB_NAME")
    return Launch("environment", *numbers, job)


_FINDERS: Final[tuple[Finder, ...]] = (_torchrun, _ray, _open_mpi, _kubernetes, _bare, _pmi, _slurm)


def _numbers(env: Mapping[str, str], rank: str, size: str) -> tuple[int, int] | None:
    first, second = _number(env, rank), _number(env, size)
    return None if first is None or second is None else (first, second)


def _number(env: Mapping[str, str], name: str) -> int | None:
    text = env.get(name, "").strip()
    return int(text) if text.isascii() and text.isdigit() else None


def _first(env: Mapping[str, str], *names: str) -> str | None:
    return next((env[name] for name in names if env.get(name)), None)


def _with_slurm(env: Mapping[str, str], job: str | None) -> str | None:
    if job is None:
        return f"{env['SLURM_JOB_ID']}.{env.get('SLURM_STEP_ID', '')}" if env.get("SLURM_JOB_ID") else None
    return f"{env['SLURM_JOB_ID']}/{job}" if env.get("SLURM_JOB_ID") else job


def _slurm_details(env: Mapping[str, str]) -> dict[str, str]:
    return {name: env[name] for name in ("SLURM_JOB_ID", "SLURM_STEP_ID", "SLURM_ARRAY_TASK_ID") if env.get(name)}


def _parent() -> list[str]:
    """Names the process that started this one, so that no later launch on any machine is called the same."""
    parent = os.getppid()
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        started = Path(f"/proc/{parent}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return []
    return [boot, str(parent), started]
