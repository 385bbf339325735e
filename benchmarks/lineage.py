"""What lineage costs where there are 100,000 edges, on this machine's own engine, warm, and how it grows.

python benchmarks/lineage.py [--edges 100000] [--json FILE]
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from figures import Row, arguments, passing_store, row, save, surroundings, timed

import epochal
from epochal_query.store import Store

DEPTH = 50
LAYERS = 60
"""Of datasets, each made from one of the layer before it."""
WRITE = """
import random, sys
from uuid import uuid4
from epochal import _entity_events, _events
from epochal._session import session

count, layers = int(sys.argv[1]) // 2, int(sys.argv[2])
width, here, dice = count // layers, session(), random.Random(1)
for number in range(width * layers):
    layer, place = divmod(number, width)
    component = str(uuid4())
    here.speak("default", _events.component_created(component=component, key=component, name="step", kind="training"))
    for direction, digest in (("in", (layer, dice.randrange(width))), ("out", (layer + 1, place))):
        here.speak("default", _entity_events.artifact_logged(
            component=component, rank=0, name="data", direction=direction, uri=None, media_type=None, size=None,
            digest="sha256:%032x%032x" % digest, files=None, stored=False))
"""


def write(store: Path, edges: int) -> None:
    """Write so many edges in a process of its own."""
    subprocess.run([sys.executable, "-c", WRITE, str(edges), str(LAYERS)], env=surroundings(store), check=True)


def read_all(store: Store) -> None:
    """What a walk can't do without: every edge out of the engine once, with nothing done to it."""
    store.sql("SELECT component, artifact, relation FROM edges")


def measure(folder: Path, edges: int) -> list[Row]:
    """Fill a store, and ask for the ascendants of an artifact of the last layer."""
    write(folder, edges)
    start = f"sha256:{LAYERS:032x}{3:032x}"
    with epochal.open(folder) as store:
        count = int(store.sql("SELECT count() AS n FROM edges")["n"][0])
        found = store.lineage(start, depth=DEPTH)
        assert len(found.edges) == DEPTH, len(found.edges)
        beside = sorted(timed(lambda: read_all(store)))[2]
        times = timed(lambda: store.lineage(start, depth=DEPTH))
        key = "lineage.depth_50" if edges >= 100_000 else f"lineage.depth_50, {count:,} edges"
        return [row(key, times, limit=beside, limit_is="all edges read by SQL")]


def main() -> None:
    """Measure and print; write JSON when asked to."""
    parser = arguments(__doc__)
    parser.add_argument("--edges", type=int, default=100_000)
    options = parser.parse_args()
    rows: list[Row] = []
    for edges in (options.edges // 100, options.edges // 10, options.edges):
        with passing_store() as folder:
            rows += measure(folder, edges)
    save(options.json, rows)


if __name__ == "__main__":
    main()
