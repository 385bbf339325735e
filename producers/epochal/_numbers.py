"""Metric values and steps as float64, whatever library they come from (none is imported here)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final, cast

__all__ = ["LARGEST_EXACT", "flatten", "is_duration", "to_float", "to_step"]

LARGEST_EXACT: Final = 2**53
"""Integers up to here are float64 exactly."""

_ACCEPTED: Final = "ints, floats, bools and scalars of NumPy, torch, TensorFlow and JAX are accepted"


def to_float(value: object) -> float:
    """One number as float64, exactly as wide as it was: float32(0.1) is 0.10000000149011612.

    A scalar on a device is read at once, which waits for the device.

    Raises:
        TypeError: it is not one real number.
        ValueError: it is an integer beyond float64.
    """
    kind = type(value)
    if kind is float:
        return cast("float", value)
    if isinstance(value, (str, bytes)) or value is None:
        raise TypeError(f"{_shown(value)} is not a number: {_ACCEPTED}")
    if not isinstance(value, (int, float)):
        value = _unwrapped(value)
    try:
        return float(cast("float", value))
    except OverflowError:
        raise ValueError(f"{_shown(value)} is larger than float64 can hold (about 1.8e308)") from None


def _unwrapped(value: object) -> object:
    """What is inside an array of one element; other numbers (Decimal, Fraction) as they are."""
    item = getattr(value, "item", None)
    if item is None and hasattr(value, "numpy"):
        value = cast("Callable[[], object]", getattr(value, "numpy"))()  # noqa: B009  TensorFlow
        item = getattr(value, "item", value)
    if callable(item):
        try:
            value = item()
        except (TypeError, ValueError, RuntimeError):
            shape = getattr(value, "shape", "unknown")
            raise TypeError(
                f"an array of shape {tuple(shape) if shape != 'unknown' else shape} is not one number: "
                "log its mean() or another summary, or each element under a name of its own"
            ) from None
    if isinstance(value, (str, bytes, complex)) or not hasattr(value, "__float__"):
        raise TypeError(f"{_shown(value)} is not a real number: {_ACCEPTED}")
    return value


def to_step(step: object) -> float:
    """A step as float64: any finite number, fractions allowed, integers exact to 2^53.

    Raises:
        TypeError: it is not a number.
        ValueError: it is NaN, infinite, or an integer that float64 can't tell from its neighbour.
    """
    try:
        number = to_float(step)
    except TypeError as error:
        raise TypeError(f"step={_shown(step)}: {error}") from None
    if not math.isfinite(number):
        raise ValueError(f"step={_shown(step)} is no place on an axis: any finite number is accepted")
    if isinstance(step, int) and abs(step) > LARGEST_EXACT:
        raise ValueError(f"step={step} is beyond 2^53: its neighbours would fall on the same step; use smaller steps")
    return number


def is_duration(seconds: object) -> bool:
    """Whether this is a number of seconds that one can wait for."""
    return isinstance(seconds, (int, float)) and not isinstance(seconds, bool) and seconds >= 0


def flatten(metrics: Mapping[object, object], _above: str = "", _depth: int = 0) -> list[tuple[object, object]]:
    """Nested mappings as ``a/b`` names, in the order given; names that aren't text are left for the caller to refuse.

    Raises:
        ValueError: nested more than 64 deep (a mapping that contains itself).
    """
    if _depth > 64:
        raise ValueError("metrics are nested more than 64 deep: does a mapping contain itself?")
    flat: list[tuple[object, object]] = []
    for name, value in metrics.items():
        full = f"{_above}{name}" if _above and isinstance(name, str) and name else name
        if isinstance(value, Mapping) and isinstance(full, str) and full:
            flat += flatten(cast("Mapping[object, object]", value), f"{full}/", _depth + 1)
        else:
            flat.append((full, value))
    return flat


def _shown(value: object) -> str:
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001  a caller's __repr__ may raise anything
        text = f"a {type(value).__qualname__}"
    return text if len(text) <= 80 else f"{text[:80]}… ({len(text):,} characters)"
