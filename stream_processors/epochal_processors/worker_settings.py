"""A worker's plan from the settings of its process."""

from __future__ import annotations

import logging
import os
from functools import partial

from epochal._artifacts.store import contents_of
from epochal._errors import SettingsError
from epochal._host import spawn
from epochal._places import default_store
from epochal._saying import sayer
from epochal._settings import Settings
from epochal_processors.fetching import Membership
from epochal_processors.kafka_access import connection, credentials
from epochal_processors.worker import WorkerPlan
from epochal_storage.location import Embedded, parsed


def plan_of(settings: Settings) -> WorkerPlan:
    """What a worker with these settings does.

    Raises:
        SettingsError: EPOCHAL_KAFKA isn't set, or EPOCHAL_MODE is not on.
        LocationError: EPOCHAL_STORE can't be understood.
        OSError: a certificate can't be read.
    """
    if settings.kafka is None:
        raise SettingsError("EPOCHAL_KAFKA is not set: a worker takes events from there; set it to host:port")
    if settings.mode != "on":
        raise SettingsError(
            f"EPOCHAL_MODE={settings.mode} keeps from Kafka what a worker may have to say: unset it for workers"
        )
    prefix = settings.kafka_topic_prefix
    membership = Membership(
        settings.kafka.split(","),
        f"{prefix}workers",
        (f"{prefix}events", f"{prefix}metrics"),
        settings.worker_session_s,
        settings.worker_age_s,
        credentials(settings),
    )
    return WorkerPlan(
        membership,
        f"{prefix}dead-letters",
        connection(settings),
        Embedded(default_store(os.environ)) if settings.store is None else parsed(settings.store),
        spawn if settings.host != "none" else lambda _: None,
        sayer(settings),
        partial(contents_of, settings),
        settings.worker_http,
        settings.worker_stall_s,
    )


def speak() -> None:
    """Let the worker's lines go to standard error, and of others what is wrong."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    logging.getLogger("epochal").setLevel(logging.INFO)
