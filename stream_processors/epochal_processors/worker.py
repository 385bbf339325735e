"""The composition root of a worker process: Kafka to a store, until told to stop.

Exit status: 0 stopped as told; 70 a bug, or something that no waiting mends; 75 to be started again: it stalled, or
Kafka was away when Faust doesn't wait for it.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

from aiokafka.errors import KafkaError

from epochal._errors import EpochalError
from epochal._events import Event
from epochal._saying import Say
from epochal._sent import FROM_KAFKA, kafka_log
from epochal_processors.courier import MOST_PAUSE_S, Courier, LettersRefusedError
from epochal_processors.decode import DeadLetter
from epochal_processors.erasing import Contents, Eraser
from epochal_processors.fetching import Fetcher, Membership
from epochal_processors.inlet import Inlet, Placed
from epochal_processors.kafka_access import OthersAtWorkError, TopicsMissingError, cluster_id, extents, rewind
from epochal_processors.lag import LagReader, within
from epochal_processors.letters import LetterTopic
from epochal_processors.messages import Message
from epochal_processors.resuming import resumption
from epochal_processors.sealing import Sealer
from epochal_processors.stall import Sight, Stall
from epochal_processors.worker_history import SqlWorkerHistory
from epochal_processors.worker_http import WorkerHttp
from epochal_processors.worker_metrics import WorkerMetrics
from epochal_storage.errors import may_heal
from epochal_storage.locate import Spawn
from epochal_storage.location import Location
from epochal_storage.log_ends import log_ends
from epochal_storage.remote import open_remote, prepare

STOPPED, BUG, AGAIN = 0, 70, 75
LOOK_S = 1.0
LAG_EVERY_S = 5.0
JOIN_S = 120.0
"""How long joining the group may take."""
REST_S = 5.0
"""For all that there is to be done beside finishing what is in hand and leaving, which have a grace each."""
LETTER_S = 60.0
"""How long the broker may take for one dead letter."""
_PASSING = (KafkaError, TopicsMissingError, OthersAtWorkError, OSError)
log = logging.getLogger("epochal.worker")
Found = TypeVar("Found")


@dataclass(frozen=True)
class WorkerPlan:
    """All that a worker has to know.

    ``connection`` are aiokafka's arguments that say where the broker is and who asks; ``http`` is None for no address
    of its own; ``say`` leads to the same topics, ``contents`` are those of artifacts; ``stall_s`` seconds without
    progress end it; ``grace_s`` is how long it finishes what it is at.
    """

    membership: Membership
    letters_topic: str
    connection: dict[str, Any]
    store: Location
    spawn: Spawn
    say: Say
    contents: Callable[[], Contents | None]
    http: tuple[str, int] | None = None
    stall_s: float = 300.0
    grace_s: float = 30.0


def run(plan: WorkerPlan) -> int:
    """Work until SIGTERM or SIGINT, a bug or a stall; the exit status."""
    return asyncio.run(_Worker(plan).run())


def leave_within(seconds: float, status: Callable[[], int]) -> None:
    """Have the process be gone after so long, whatever it is at: clients that wait for an answer for ever, and swallow
    being cancelled, would keep it in its group, where others can't take over what it has.
    """

    def leave() -> None:
        log.critical("the worker didn't come to its end in %.0f s: it is gone; others store again what it had", seconds)
        os._exit(status())

    timer = threading.Timer(seconds, leave)
    timer.daemon = True
    timer.start()


class _Worker:
    def __init__(self, plan: WorkerPlan) -> None:
        self._plan = plan
        self._stop = asyncio.Event()
        self._failure: BaseException | None = None
        self._ending = False
        self._status = STOPPED

    async def run(self) -> int:
        self._loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self._begin_to_end)
        try:
            cluster = await self._patiently("Kafka", lambda: cluster_id(self._plan.connection))
            await self._patiently("the store", lambda: asyncio.to_thread(prepare, self._plan.store))
            await self._patiently("the store or Kafka", lambda: self._go_on_from_the_store(str(cluster)))
        # the border of the process: whatever it is, it is said and the status tells
        except Exception as error:
            log.critical("the worker can't begin: %s", error, exc_info=not str(error))
            return BUG
        return STOPPED if cluster is None or self._stop.is_set() else await self._serve(cluster)

    async def _go_on_from_the_store(self, cluster: str) -> None:
        """Have everything read again that was committed and isn't in the store."""
        group, connection = self._plan.membership.group, self._plan.connection
        # others may be at work: what was committed before the store is asked is in it, and what is in it ends before
        # the ends that are asked for afterwards
        before = await extents(connection, group, self._plan.membership.topics)
        self._partitions = list(before)
        stored = await asyncio.to_thread(_log_ends, self._plan)
        after = await extents(connection, group, self._plan.membership.topics)
        found = {where: replace(after[where], committed=extent.committed) for where, extent in before.items()}
        made = resumption(found, {w: stored[name] for w in found if (name := kafka_log(cluster, *w)) in stored})
        for where, (first, end) in made.gone.items():
            log.error("offsets %d to %d of %s/%d are in neither the store nor Kafka", first, end - 1, *where)
        if made.rewind:
            log.warning("the store lacks what was committed; it is read again from %s on", made.rewind)
            await rewind(connection, group, made.rewind)

    async def _serve(self, cluster: str) -> int:
        plan, metrics = self._plan, WorkerMetrics()
        store = open_remote(plan.store, plan.spawn)
        history = SqlWorkerHistory(store)
        inlet = Inlet(
            cluster,
            metrics.timed(store),
            history,
            eraser=Eraser(store, contents=plan.contents, report=log.error),
            tell=partial(_tell, plan.say),
        )
        sealer = Sealer(inlet, history, time.monotonic)
        letters = LetterTopic(plan.letters_topic, plan.connection)
        courier = Courier(inlet, sealer, partial(self._send, letters), _Told(metrics), self._fail)
        self._fetcher = Fetcher(plan.membership, courier.put, courier.reassigned, self._fail)
        http = self._http(metrics, courier)
        courier.start()
        try:
            if await self._join():
                log.info("taking %s in to %s", " and ".join(plan.membership.topics), plan.store)
                await self._watch(courier, metrics)
            await self._end(courier)
        finally:
            await letters.close()
            if http is not None:
                http.close()
        return self._status

    async def _join(self) -> bool:
        """Whether it could; Faust doesn't try again, and can't be begun a second time."""
        try:
            await within(JOIN_S, self._fetcher.start())
        except (KafkaError, TimeoutError) as error:
            log.critical("Kafka went away while the worker joined the group: %s: ending, to be started again", error)
            self._status = AGAIN
        return self._status == STOPPED

    async def _watch(self, courier: Courier, metrics: WorkerMetrics) -> None:
        """Return when there is a reason to end."""
        stall = Stall(self._plan.stall_s, time.monotonic())
        reader = LagReader(self._plan.membership.group, self._plan.connection)
        try:
            asked = 0.0
            while not await _set_within(self._stop, LOOK_S):
                if (crashed := self._fetcher.crashed) is not None:
                    self._fail(crashed)
                if time.monotonic() - asked >= min(LAG_EVERY_S, self._plan.stall_s / 4):
                    ours = self._fetcher.assignment()
                    lag = await reader.read(ours or self._partitions)
                    asked = time.monotonic()
                    metrics.lag(lag.behind if lag and ours else {})
                    behind, committed = (lag.total, lag.committed) if lag else (None, 0)
                    done = metrics.messages if ours else committed
                    quiet = stall.look(Sight(behind, done, courier.away), asked)
                    if quiet is not None:
                        whose = "" if ours else ", of partitions that others have or nobody"
                        log.critical("%d messages wait%s, and none was stored for %.0f s: ending", behind, whose, quiet)
                        self._status = AGAIN
                        return
        finally:
            await reader.close()

    async def _end(self, courier: Courier) -> None:
        """Finish what is in hand, unless something is wrong; then commit and leave."""
        self._begin_to_end()
        self._fetcher.hold()
        if self._failure is not None:
            log.critical("the worker ends, nothing more is acknowledged: %s", self._failure, exc_info=self._failure)
            self._status = AGAIN if isinstance(self._failure, KafkaError) else BUG
        elif self._status == STOPPED and not await asyncio.to_thread(courier.drain, self._plan.grace_s):
            log.warning("what couldn't be stored in %.0f s is left for the next worker", self._plan.grace_s)
        try:
            await within(self._plan.grace_s, self._fetcher.stop())
        except TimeoutError:
            log.warning("Kafka didn't answer in %.0f s: what wasn't committed will be stored again", self._plan.grace_s)
        log.info("the worker ends")

    def _http(self, metrics: WorkerMetrics, courier: Courier) -> WorkerHttp | None:
        if self._plan.http is None:
            return None

        def unready() -> str:
            return "the store is away" if courier.away else "" if self._fetcher.joined else "joining the group"

        def unhealthy() -> str:
            return "" if self._failure is None else f"ending: {self._failure}"

        http = WorkerHttp(*self._plan.http, metrics.text, unhealthy, unready)
        log.info("metrics and health at http://%s:%d", *http.address)
        return http

    def _fail(self, error: BaseException) -> None:
        """Something is wrong that no waiting mends; from any thread."""
        self._failure = self._failure or error
        self._loop.call_soon_threadsafe(self._begin_to_end)

    def _begin_to_end(self) -> None:
        """Stop whatever is waited for, and be gone in time."""
        if not self._ending:
            self._ending = True
            leave_within(2 * self._plan.grace_s + REST_S, lambda: self._status or (BUG if self._failure else AGAIN))
        self._stop.set()

    def _send(self, topic: LetterTopic, letters: Sequence[DeadLetter]) -> None:
        """Send dead letters to their topic. Called in another thread than the loop's."""
        sent = asyncio.run_coroutine_threadsafe(topic.send(letters), self._loop)
        try:
            sent.result(LETTER_S * len(letters))
        except (KafkaError, TimeoutError) as error:
            sent.cancel()
            raise LettersRefusedError(f"{len(letters)} letters can't be sent to {topic.name}: {error!r}") from error

    async def _patiently(self, what: str, work: Callable[[], Awaitable[Found]]) -> Found | None:
        """Do it again until it succeeds, as long as it is worth it; None when told to stop."""
        pause = 0.5
        while not self._stop.is_set():
            try:
                return await work()
            except Exception as error:
                if not (may_heal(error) or isinstance(error, _PASSING)):
                    raise
                log.warning("%s isn't there yet, next attempt in %.1f s: %s", what, pause, error)
            await _set_within(self._stop, pause)
            pause = min(2 * pause, MOST_PAUSE_S)
        return None


class _Told:
    """Counts, and says what a person should know."""

    def __init__(self, metrics: WorkerMetrics) -> None:
        self._metrics = metrics

    def stored(self, placed: Placed, messages: Sequence[Message]) -> None:
        self._metrics.stored(placed, messages)

    def parked(self, letters: Sequence[DeadLetter]) -> None:
        first = letters[0]
        log.warning("%d dead letters; the first, %s: %s: %s", len(letters), first.source, first.reason, first.detail)
        self._metrics.parked(letters)

    def failed(self, error: BaseException, attempt: int) -> None:
        log.warning("the store is away, attempt %d: %s", attempt, error)
        self._metrics.failed(error, attempt)

    def recovered(self) -> None:
        log.warning("the store is there again")
        self._metrics.recovered()


def _log_ends(plan: WorkerPlan) -> dict[str, int]:
    store = open_remote(plan.store, plan.spawn)
    try:
        return log_ends(store.query_arrow, FROM_KAFKA)
    finally:
        store.close()


async def _set_within(event: asyncio.Event, seconds: float) -> bool:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return False
    return True


def _tell(say: Say, project: str, event: Event, time_us: int) -> bool:
    try:
        say(project, [event], 0, time_us)
    # `epochal erase` lists it as pending: no reason to stand still
    except (EpochalError, OSError) as error:
        log.error("what came in after %s was erased can't be erased: %s", event[1]["entity"], error)
        return False
    return True
