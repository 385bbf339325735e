"""Threads, forks, pools, spawned processes, pickles and signal handlers: whoever logs, nothing is lost or doubled."""

from collections import Counter
from pathlib import Path

import pytest
from sdk.children import Written, run


def roles(written: Written) -> Counter[str]:
    return Counter(data["role"] for data in written.data("writer.opened"))


def test_threads_share_a_run(tmp_path: Path) -> None:
    """Eight threads log to one handle: every point is there, each thread's in its order."""
    child = run(
        """
        import threading
        with epochal.init("threads") as run:
            def work(number):
                for step in range(500):
                    run.log({f"t{number}": step}, step=step)
                    epochal.log({f"module{number}": step}, step=step)
                run.log_params({f"done{number}": True})
            threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
            [thread.start() for thread in threads]
            [thread.join() for thread in threads]
        """,
        tmp_path,
    )
    written = child.written
    for number in range(8):
        assert written.values(f"t{number}") == [float(step) for step in range(500)]
        assert written.values(f"module{number}") == [float(step) for step in range(500)]
    assert written.params() == {f"done{number}": True for number in range(8)}
    ats = [event.at for event in written.events if event.data.get("component")]
    assert ats == sorted(ats), "times never run backwards within the writer"


def test_runs_in_threads_are_apart(tmp_path: Path) -> None:
    """Each thread has a run of its own open: current() and log() find that thread's."""
    child = run(
        """
        import threading
        exp = epochal.experiment("apart")
        gate = threading.Barrier(4)
        def work(number):
            with exp.trial({"n": number}).run("training") as run:
                gate.wait()
                assert epochal.current() is run
                epochal.log({"n": number})
                gate.wait()
        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        """,
        tmp_path,
    )
    written = child.written
    assert sorted(written.values("n")) == [0.0, 1.0, 2.0, 3.0]
    assert len({point.writer for point in written.points}) == 4


def test_a_forked_pool_logs(tmp_path: Path) -> None:
    """Workers of a fork pool write as helpers of the same component and never decide its status."""
    child = run(
        """
        import multiprocessing
        def work(number):
            run.log({"worker": number}, step=number)
            return epochal.current() is run
        run = epochal.init("pool")
        run.log({"before": 1})
        with multiprocessing.get_context("fork").Pool(3) as pool:
            assert all(pool.map(work, range(60)))
            pool.close()
            pool.join()
        run.log({"after": 1})
        run.finish()
        """,
        tmp_path,
    )
    written = child.written
    assert sorted(written.values("worker")) == [float(number) for number in range(60)]
    assert written.values("before") == written.values("after") == [1.0]
    assert len(written.of("run.finished")) == 1
    opened = written.data("writer.opened")
    assert roles(written)["main"] == 1
    assert 1 <= roles(written)["helper"] <= 3
    assert len({(data["component"], data["attempt"]) for data in opened if data["role"] != "session"}) == 1
    assert len(written.of("writer.closed")) == len(opened), "helpers end properly too, though pools leave by os._exit"


def test_a_terminated_pool_ends_no_run(tmp_path: Path) -> None:
    """Pools end their workers by SIGTERM: that is no end of the run."""
    child = run(
        """
        import multiprocessing, time
        def work(_):
            run.log({"worker": 1})
            time.sleep(60)
        run = epochal.init("pool")
        pool = multiprocessing.get_context("fork").Pool(2)
        pool.map_async(work, range(2))
        time.sleep(0.3)
        pool.terminate()
        pool.join()
        run.log({"after": 1})
        """,
        tmp_path,
    )
    assert [data["status"] for data in child.written.data("run.finished")] == ["completed"]
    assert child.written.values("after") == [1.0]


def test_bare_fork(tmp_path: Path) -> None:
    """os.fork: the child writes a journal of its own, also when it leaves by sys.exit, and the parent goes on."""
    child = run(
        """
        import os, sys
        run = epochal.init("fork")
        run.log({"n": 1}, step=5)
        if os.fork() == 0:
            run.log({"n": 2})
            run.log_params({"child": True})
            run.finish("failed")
            sys.exit(0)
        os.wait()
        run.log({"n": 3})
        """,
        tmp_path,
    )
    written = child.written
    assert sorted((point.step, point.value) for point in written.points) == [(5.0, 1.0), (6.0, 2.0), (6.0, 3.0)]
    assert [data["status"] for data in written.data("run.finished")] == ["completed"]
    assert written.params() == {"child": True}


def test_a_fork_in_the_middle_of_logging(tmp_path: Path) -> None:
    """Threads hold every lock now and then while the process forks: children never hang, nothing is lost."""
    child = run(
        """
        import os, threading
        run = epochal.init("fork")
        stop = threading.Event()
        def work(number):
            step = 0
            while not stop.is_set():
                run.log({f"t{number}": step}, step=step)
                run.log_params({"n": step}) if step % 10 == 0 else None
                step += 1
            counts[number] = step
        counts = {}
        threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
        [thread.start() for thread in threads]
        for number in range(20):
            pid = os.fork()
            if pid == 0:
                run.log({"child": number}, step=number)
                run.log_params({f"child{number}": number})
                os._exit(0)
            assert os.waitpid(pid, 0)[1] == 0
        stop.set()
        [thread.join() for thread in threads]
        run.log({f"count{number}": count for number, count in counts.items()})
        """,
        tmp_path,
    )
    written = child.written
    assert sorted(written.values("child")) == [float(number) for number in range(20)]
    for number in range(3):
        assert len(written.values(f"t{number}")) == written.values(f"count{number}")[0]


def test_spawned_processes_join_by_pickle_and_by_environment(tmp_path: Path) -> None:
    """A pickled handle, and current() in a process started from nothing, find the run."""
    (tmp_path / "worker.py").write_text(
        "import epochal\n"
        "def by_pickle(run, number):\n    run.log({'pickled': number}, step=number)\n    return run.id\n"
        "def by_current(number):\n    epochal.log({'current': number}, step=number)\n    return epochal.current().id\n"
    )
    child = run(
        """
        import multiprocessing, subprocess, sys, worker
        if __name__ == "__main__":
            run = epochal.init("spawn")
            with multiprocessing.get_context("spawn").Pool(2) as pool:
                ids = pool.starmap(worker.by_pickle, [(run, number) for number in range(6)])
                ids += pool.map(worker.by_current, range(6))
                pool.close(); pool.join()
            assert set(ids) == {run.id}
            subprocess.run([sys.executable, "-c", "import epochal; epochal.log({'sub': 7})"], check=True)
            run.finish()
            subprocess.run([sys.executable, "-c", "import epochal; assert epochal.current() is None"], check=True)
        """,
        tmp_path,
        PYTHONPATH=str(tmp_path),
    )
    written = child.written
    assert sorted(written.values("pickled")) == sorted(written.values("current")) == [float(n) for n in range(6)]
    assert written.values("sub") == [7.0]
    assert len(written.of("run.finished")) == 1
    assert roles(written)["main"] == 1


def test_a_pickle_within_the_process_is_the_same_handle(tmp_path: Path) -> None:
    """copy and pickle of an open run give the run itself."""
    run(
        """
        import copy, pickle
        run = epochal.init("same")
        assert pickle.loads(pickle.dumps(run)) is run
        assert copy.deepcopy({"run": run})["run"] is run
        """,
        tmp_path,
    )


def test_a_training_started_inside_a_run_is_its_child(tmp_path: Path) -> None:
    """A process that opens a run of its own inside another's gets a component with that parent."""
    child = run(
        """
        import subprocess, sys
        with epochal.init("driver") as run:
            inner = "import epochal; epochal.init('trained').finish()"
            subprocess.run([sys.executable, "-c", inner], check=True)
        print(run.id)
        """,
        tmp_path,
    )
    parents = {data["component"]: data["parent"] for data in child.written.data("component.created")}
    outer = child.out.strip()
    assert parents.pop(outer) is None
    assert list(parents.values()) == [outer]


def test_a_signal_handler_that_logs(tmp_path: Path) -> None:
    """Handlers log points, params and tags while the same thread is inside those very calls: no deadlock, no loss."""
    child = run(
        """
        import signal
        run = epochal.init("signals")
        import itertools
        ticks = itertools.count()  # a handler may itself be interrupted by the next
        def tick(signum, frame):
            number = next(ticks)
            run.log({"tick": number}, step=number)
            run.log_params({f"tick{number}": number})
        signal.signal(signal.SIGALRM, tick)
        signal.setitimer(signal.ITIMER_REAL, 0.005, 0.002)
        for step in range(20000):
            run.log({"loss": step}, step=step)
            if step % 20 == 0:
                run.log_params({"step": step})
        signal.setitimer(signal.ITIMER_REAL, 0)
        print(next(ticks))
        """,
        tmp_path,
    )
    ticks = int(child.out)
    assert ticks > 10
    written = child.written
    assert sorted(written.values("tick")) == [float(tick) for tick in range(ticks)]
    assert written.values("loss") == [float(step) for step in range(20000)]
    assert {f"tick{tick}" for tick in range(ticks)} <= set(written.params())


@pytest.mark.slow
def test_a_thousand_runs_open_at_once(tmp_path: Path) -> None:
    """1,000 open runs under a limit of 1,024 descriptors."""
    child = run(
        """
        import resource
        resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024))
        exp = epochal.experiment("many")
        runs = [exp.trial({"n": number}).run("training") for number in range(1000)]
        for number, run in enumerate(runs):
            run.log({"n": number})
        for run in runs:
            run.finish()
        """,
        tmp_path,
    )
    assert sorted(child.written.values("n")) == [float(number) for number in range(1000)]
    assert len(child.written.of("run.finished")) == 1000
