"""What can happen to an estate, each at a moment that dice choose."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator

from breakable import JOBS, WORKERS, Breakable
from chaos.estate import SESSION_S, Estate
from shipping.jobs import end_shipper
from worker_process import WorkerProcess

from epochal_storage.locate import find_host

Fault = Callable[[Estate, Breakable], None]


def kill_a_job(estate: Estate, broker: Breakable) -> None:
    """SIGKILL in the middle of logging; what it had said to have logged must be there."""
    del broker
    victim = estate.dice.choice([one for one in estate.running if one.job.acknowledged] or estate.running)
    victim.killed = True
    victim.job.kill()


def kill_the_shipper(estate: Estate, broker: Breakable) -> None:
    """SIGKILL of the one process that ships for all jobs, when what it just sent is lost on its way."""
    proxy = broker.proxies[JOBS]
    proxy.lose_soon()
    proxy.lost(5.0)
    estate.pass_time(estate.dice.uniform(0.0, 0.5))
    estate.wait(lambda: end_shipper(estate.spool, signal.SIGKILL), "somebody ships")
    proxy.mend()
    proxy.cut()


def kill_a_worker(estate: Estate, broker: Breakable) -> None:
    """SIGKILL of a worker that has something in hand."""
    del broker
    victim = _one_at_work(estate)
    with _inserts_held_up(estate):
        victim.kill()


def kill_all_workers(estate: Estate, broker: Breakable) -> None:
    """SIGKILL of every worker at the same moment."""
    del broker
    _one_at_work(estate)
    with _inserts_held_up(estate):
        for worker in estate.at_work:
            worker.process.kill()
        for worker in estate.at_work:
            worker.kill()


def stop_a_worker(estate: Estate, broker: Breakable) -> None:
    """SIGSTOP for longer than its session, after which it goes on with what it had in hand."""
    del broker
    worker = _one_at_work(estate)
    worker.signal(signal.SIGSTOP)
    estate.pass_time(SESSION_S + estate.dice.uniform(0.5, 2.0))
    worker.signal(signal.SIGCONT)


def kill_the_host(estate: Estate, broker: Breakable) -> None:
    """SIGKILL of the engine while workers insert."""
    del broker
    estate.wait(lambda: find_host(estate.base.store) is not None, "there is a host")
    host = find_host(estate.base.store)
    if host is not None:
        os.kill(host.pid, signal.SIGKILL)


def kill_the_broker(seconds: float) -> Fault:
    """SIGKILL of the only broker, and the same one again so many seconds later."""

    def fault(estate: Estate, broker: Breakable) -> None:
        broker.cluster.kill(0)
        estate.pass_time(seconds)
        broker.cluster.start(0)

    return fault


def cut(side: str) -> Fault:
    """Every connection is closed, in the middle of whatever goes through it."""

    def fault(estate: Estate, broker: Breakable) -> None:
        del estate
        broker.proxies[side].cut()

    return fault


def black_hole(side: str) -> Fault:
    """For a while everything is swallowed; then connections break, at once or when somebody uses them."""

    def fault(estate: Estate, broker: Breakable) -> None:
        proxy = broker.proxies[side]
        proxy.swallow = True
        estate.pass_time(estate.dice.uniform(1.0, 6.0))
        proxy.mend()
        if estate.dice.random() < 0.5:
            proxy.cut()

    return fault


def slow(side: str) -> Fault:
    """For a while every piece takes a tenth of a second."""

    def fault(estate: Estate, broker: Breakable) -> None:
        broker.proxies[side].delay_s = 0.1
        estate.pass_time(estate.dice.uniform(1.0, 4.0))
        broker.proxies[side].mend()

    return fault


def kill_the_leader(estate: Estate, broker: Breakable) -> None:
    """SIGKILL of the broker that leads most partitions: the others take over. A job that begins while it is away is in
    the store before it comes back.
    """
    leaders = estate.base.leaders()
    index = max(set(leaders), key=leaders.count) - 1
    estate.pass_time(estate.dice.uniform(0.0, 0.5))
    broker.cluster.kill(index)
    started = estate.start_job(calls=5)
    estate.wait(lambda: not started.runs, "a job ends while the leader is away")
    store = estate.base.open()
    estate.wait_until_certified(store, started, jobs=True)
    store.close()
    broker.cluster.start(index)


PROCESSES: dict[str, Fault] = {
    "SIGKILL of a job": kill_a_job,
    "SIGKILL of the shipper": kill_the_shipper,
    "SIGKILL of a worker": kill_a_worker,
    "SIGKILL of every worker": kill_all_workers,
    "SIGSTOP of a worker beyond its session": stop_a_worker,
    "SIGKILL of the store's host": kill_the_host,
    "SIGKILL of the broker, back after 1 s": kill_the_broker(1.0),
}
NETWORK: dict[str, Fault] = {
    f"{what}, {who} to broker": fault(side)
    for who, side in (("jobs", JOBS), ("workers", WORKERS))
    for what, fault in (("connections cut", cut), ("black hole", black_hole), ("slow network", slow))
}
BROKER: dict[str, Fault] = {
    f"SIGKILL of the broker, back after {seconds} s": kill_the_broker(seconds) for seconds in (5, 60)
}

LEADER: dict[str, Fault] = {"SIGKILL of the leader of three brokers": kill_the_leader}


@contextlib.contextmanager
def _inserts_held_up(estate: Estate) -> Iterator[None]:
    """The store stands still for a moment, so that workers are in the middle of a batch."""
    host = find_host(estate.base.store)
    if host is None:
        yield
        return
    os.kill(host.pid, signal.SIGSTOP)
    try:
        time.sleep(estate.dice.uniform(0.2, 1.5))
        yield
    finally:
        os.kill(host.pid, signal.SIGCONT)


def _one_at_work(estate: Estate) -> WorkerProcess:
    """A worker that has stored something."""

    def begun() -> list[WorkerProcess]:
        return [one for one in estate.at_work if one.stored()]

    estate.wait(lambda: bool(begun()), "a worker is at it")
    return estate.dice.choice(begun())
