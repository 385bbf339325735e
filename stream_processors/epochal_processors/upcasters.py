"""Old schema versions brought up to the newest, one small named step at a time.

A step turns the data of one version into the data of the next, as plain JSON values. Steps are registered by
event type and by the version they start from; every version ever written stays readable for ever, which the
recorded events under tests/fixtures/events hold us to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Data = dict[str, Any]
Step = Callable[[Data], Data]
Steps = Mapping[tuple[str, int], Step]

STEPS: Steps = {}
"""(event type, version it starts from) to the step. Empty: every type is at its first version."""


class MissingStepError(LookupError):
    """The chain from an old version to the newest has a hole."""


def upcast(event_type: str, version: int, newest: int, data: Data, steps: Steps = STEPS) -> Data:
    """The data of an event in its newest version; the data given is not changed.

    Raises:
        MissingStepError: no step leads from one of the versions in between.
    """
    for at in range(version, newest):
        step = steps.get((event_type, at))
        if step is None:
            raise MissingStepError(f"no step from version {at} to {at + 1} of {event_type}")
        data = step(dict(data))
    return data
