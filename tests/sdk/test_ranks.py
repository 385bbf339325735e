"""Under a launcher all ranks are one component with no word said; the environment of each launcher, as it sets it."""

from __future__ import annotations

from pathlib import Path

import pytest
from sdk.children import environment, run

from epochal._ranks import find_launch

TORCHRUN = {"RANK": "3", "WORLD_SIZE": "8", "LOCAL_RANK": "3", "GROUP_WORLD_SIZE": "1", "TORCHELASTIC_RUN_ID": "job7"}
SLURM = {"SLURM_PROCID": "2", "SLURM_STEP_NUM_TASKS": "4", "SLURM_JOB_ID": "99", "SLURM_STEP_ID": "0"}
BATCH = {"SLURM_PROCID": "0", "SLURM_NTASKS": "4", "SLURM_JOB_ID": "99"}
OPENMPI = {"OMPI_COMM_WORLD_RANK": "1", "OMPI_COMM_WORLD_SIZE": "2", "PMIX_NAMESPACE": "prterun-node-77@1"}
PMI = {"PMI_RANK": "1", "PMI_SIZE": "2", "PMI_JOBID": "job.5"}
RAY = {"RANK": "1", "WORLD_SIZE": "2", "RAY_JOB_ID": "01000000"}
KUBERNETES = {"JOB_COMPLETION_INDEX": "2", "HOSTNAME": "train-2", "WORLD_SIZE": "3", "POD_NAMESPACE": "ml"}

FOUND = [
    ({}, "", 0, 1, None),
    (TORCHRUN, "torchrun", 3, 8, "job7"),
    (TORCHRUN | SLURM, "torchrun", 3, 8, "job7:SLURM_JOB_ID=99:SLURM_STEP_ID=0"),
    (SLURM, "slurm", 2, 4, "99.0"),
    (BATCH, "", 0, 1, None),
    (OPENMPI, "openmpi", 1, 2, "prterun-node-77@1"),
    (OPENMPI | BATCH, "openmpi", 1, 2, "99/prterun-node-77@1"),
    (PMI, "pmi", 1, 2, "job.5"),
    (RAY, "ray", 1, 2, "01000000"),
    (KUBERNETES, "kubernetes", 2, 3, "ml/train"),
    (KUBERNETES | {"HOSTNAME": "train-2-x7k2p"}, "kubernetes", 2, 3, "ml/train"),
    (RAY | {"WORLD_SIZE": "1", "RANK": "0"}, "ray", 0, 1, None),
    ({"RANK": "1", "WORLD_SIZE": "2", "SLURM_JOB_ID": "5"}, "environment", 1, 2, "5"),
]


@pytest.mark.parametrize(("env", "launcher", "rank", "size", "job"), FOUND)
def test_launchers(env: dict[str, str], launcher: str, rank: int, size: int, job: str | None) -> None:
    """Rank, world size and a job id that all ranks share."""
    launch = find_launch(env)
    assert (launch.launcher, launch.rank, launch.world_size, launch.job) == (launcher, rank, size, job)
    assert launch.trouble is None


def test_torchrun_without_a_run_id_is_known_by_its_agent() -> None:
    """Without --rdzv-id every launch is called "none": the agent that started us tells launches apart."""
    launch = find_launch(TORCHRUN | {"TORCHELASTIC_RUN_ID": "none"})
    assert launch.job not in (None, "none")
    assert launch.job == find_launch(TORCHRUN | {"TORCHELASTIC_RUN_ID": "none", "RANK": "4"}).job


TROUBLED = [
    ({"RANK": "1", "WORLD_SIZE": "2"}, "component=TEXT"),
    (TORCHRUN | {"TORCHELASTIC_RUN_ID": "none", "GROUP_WORLD_SIZE": "2"}, "component=TEXT"),
    ({"RANK": "9", "WORLD_SIZE": "2", "SLURM_JOB_ID": "1"}, "rank 9 of 2"),
    ({"JOB_COMPLETION_INDEX": "1", "HOSTNAME": "train-1"}, "WORLD_SIZE"),
]


@pytest.mark.parametrize(("env", "says"), TROUBLED)
def test_ranks_without_a_common_name(env: dict[str, str], says: str) -> None:
    """Nothing is guessed: the process is a component of its own, and that is said, with what to do."""
    launch = find_launch(env)
    assert (launch.rank, launch.world_size, launch.job) == (0, 1, None)
    assert says in (launch.trouble or "")


def test_all_ranks_of_a_launch_are_one_component(tmp_path: Path) -> None:
    """Two ranks, each run twice: one component, the ranks and attempts apart; another experiment is another one."""
    code = """
    with epochal.init("ranks") as run:
        run.log({"loss": run.rank})
        print(run.id, run.rank, run.world_size)
    with epochal.init("ranks") as second:
        pass
    assert second.id != run.id, "the second run of one launch is a component of its own"
    other = epochal.init("other experiment")
    assert other.id not in (run.id, second.id)
    """
    outs = [run(code, tmp_path, TORCHRUN | {"RANK": rank, "WORLD_SIZE": "2"}).out.split() for rank in ("0", "1", "0")]
    assert len({out[0] for out in outs}) == 1
    assert [out[1:] for out in outs] == [["0", "2"], ["1", "2"], ["0", "2"]]
    child = run("", tmp_path)
    started = [data for data in child.written.data("run.started") if data["component"] == outs[0][0]]
    assert sorted(data["rank"] for data in started) == [0, 0, 1]
    assert len({data["attempt"] for data in started}) == 3
    assert {data["world_size"] for data in started} == {2}


def test_trials_of_one_launch_are_apart(tmp_path: Path) -> None:
    """Every rank walks the same grid: one component a trial, also when a restart leaves trials out."""
    code = """
    exp = epochal.experiment("grid", variables={"n": [1, 2, 3]})
    for variables in SETS:
        with exp.trial(variables).run("training") as run:
            print(variables["n"], run.id)
    """
    every = run(code.replace("SETS", "exp.grid()"), tmp_path, SLURM).out.splitlines()
    later = run(code.replace("SETS", '[{"n": 3}]'), tmp_path, SLURM | {"SLURM_PROCID": "0"}).out.splitlines()
    assert len(set(every)) == 3
    assert later == every[2:]


def test_the_trouble_is_said_once(tmp_path: Path) -> None:
    """A launch that can't be told is a warning of the training, with what to do."""
    child = run("epochal.init('x').finish()\nepochal.init('x')", tmp_path, RANK="1", WORLD_SIZE="2")
    assert child.err.count("component=TEXT") == 1
    assert "RANK" not in environment(tmp_path)
