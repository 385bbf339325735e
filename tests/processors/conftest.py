"""Settings of this folder's tests."""

from __future__ import annotations

from hypothesis import settings

# nothing in the suite fails on a time
settings.register_profile("processors", deadline=None)
settings.load_profile("processors")
