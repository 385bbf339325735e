"""What Faust may acknowledge: what was reported stored, and nothing else that it has."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import pytest
from kafka_field import Field

from epochal_processors.fetching import TAKEN_AT_ONCE, Fetcher, Membership
from epochal_processors.messages import Message

pytestmark = pytest.mark.kafka


def test_what_faust_still_has_when_something_fails_is_not_acknowledged(field: Field) -> None:
    """It goes on to read what it fetched, after nobody takes it any more; none of that may be committed."""
    topic = f"{field.prefix}metrics"
    field.send_raw((topic, b"key", b"value", []) for _ in range(10 * TAKEN_AT_ONCE))

    async def fail_once() -> None:
        failed = asyncio.Event()

        def put(messages: Sequence[Message], done: Callable[[], None]) -> None:
            raise RuntimeError(f"{len(messages)} messages can't be taken, {done} is never called")

        membership = Membership([field.servers], f"{field.prefix}workers", [topic], session_s=6.0, age_s=0.1)
        fetcher = Fetcher(membership, put, lambda: None, lambda _: failed.set())
        await fetcher.start()
        await failed.wait()
        await asyncio.sleep(2.0)  # for Faust to commit what it shouldn't
        await fetcher.stop()

    asyncio.run(fail_once())
    assert field.committed() == {}
