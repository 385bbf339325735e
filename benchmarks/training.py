"""A training loop in JAX with and without Epochal: how much longer a step takes, all of Epochal's threads included.

Blocks of steps with and without logging alternate in one process, so that the machine's mood is the same for both.
What stands between two steps is counted as part of the step, as a training would feel it.

    python benchmarks/training.py [--blocks 20] [--steps 200] [--json FILE]
"""

from __future__ import annotations

import atexit
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from typing import Any

from figures import arguments, save


def training() -> Callable[[], float]:
    """One step of a small network on the CPU, compiled; returns the loss."""
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    import jax
    import jax.numpy as jnp

    sizes = (64, 512, 512, 10)
    keys = jax.random.split(jax.random.key(0), len(sizes))
    weights = [jax.random.normal(k, (a, b)) * a**-0.5 for k, a, b in zip(keys[1:], sizes, sizes[1:], strict=False)]
    images = jax.random.normal(keys[0], (256, sizes[0]))
    labels = jnp.arange(256) % sizes[-1]

    def loss(parameters: Any) -> Any:
        x = images
        for layer in parameters[:-1]:
            x = jax.nn.relu(x @ layer)
        return -jnp.mean(jax.nn.log_softmax(x @ parameters[-1])[jnp.arange(256), labels])

    def stepped(parameters: Any) -> Any:
        value, gradients = jax.value_and_grad(loss)(parameters)
        return value, [p - 0.01 * g for p, g in zip(parameters, gradients, strict=True)]

    step = jax.jit(stepped)
    state = [weights]

    def one() -> float:
        value, state[0] = step(state[0])
        return float(value)

    return one


def block(one: Callable[[], float], steps: int, log: Callable[[float, int], None] | None) -> list[float]:
    """Milliseconds from each step's begin to the next one's."""
    times: list[float] = []
    begin = time.perf_counter()
    for step in range(steps):
        loss = one()
        if log is not None:
            log(loss, step)
        end = time.perf_counter()
        times.append((end - begin) * 1e3)
        begin = end
    return times


def quantile(values: list[float], share: float) -> float:
    """The value below which this share of the values lies."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def measure(blocks: int, steps: int) -> list[dict[str, object]]:
    """Both loops, alternating."""
    one = training()
    block(one, steps, None)
    import epochal

    run = epochal.init("training-step")

    def log(loss: float, step: int) -> None:
        run.log({"loss": loss, "accuracy": loss / 2, "rate": 1e-3}, step=step)

    without: list[float] = []
    with_log: list[float] = []
    for _ in range(blocks):
        without += block(one, steps, None)
        with_log += block(one, steps, log)
    run.finish()
    rows: list[dict[str, object]] = []
    for name, share in (("median", 0.5), ("p99", 0.99)):
        bare, logged = quantile(without, share), quantile(with_log, share)
        print(f"step, {name}: {bare:.3f} ms without, {logged:.3f} ms with: {logged / bare:.3f}", flush=True)
        beside = {"limit": 1.0, "limit_is": f"{bare:.3f} ms without Epochal; without"}
        rows.append({"key": f"training.step_ratio.{name}", "value": logged / bare, "unit": "x", **beside})
    print(f"mean: {statistics.fmean(without):.3f} ms without, {statistics.fmean(with_log):.3f} ms with")
    return rows


def main() -> None:
    """Measure and print; write JSON when asked to."""
    parser = arguments(__doc__)
    parser.add_argument("--blocks", type=int, default=20)
    parser.add_argument("--steps", type=int, default=200)
    options = parser.parse_args()
    folder = tempfile.mkdtemp()
    # runs after Epochal's own end of the process, which was registered later
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ["EPOCHAL_STORE"] = folder
    rows = measure(options.blocks, options.steps)
    save(options.json, rows)


if __name__ == "__main__":
    main()
