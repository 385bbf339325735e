"""How cost grows, for people: a table for a document, and a plot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from kafka_path.load import Load

WHO = ("job", "shipper", "worker", "host")
BEGIN, END = "<!-- growth: written by benchmarks/kafka_growth.py --plot -->", "<!-- growth: end -->"


@dataclass(frozen=True)
class Cost:
    """What a load costs: microseconds of processor time a point by who spends them (seconds a million points), median
    and 99th percentile of the delay in seconds, and bytes a point on disk in all tables. ``grows`` names its series.
    """

    grows: str
    load: Load
    cpu_us: dict[str, float]
    delay_s: tuple[float, float] | None
    bytes_a_point: float

    def under(self, grows: str) -> Cost:
        """The same cost as part of another series."""
        return replace(self, grows=grows)

    @property
    def number(self) -> int:
        """What grows."""
        return {"jobs": self.load.jobs, "metrics": self.load.metrics, "points": self.load.total}[self.grows]


def table(costs: Sequence[Cost]) -> str:
    """A Markdown table, one row a load; the number that grows is set off."""
    head = ["jobs", "metrics", "points", *(f"{who}, CPU s" for who in WHO), "all", "delay p50, p99", "bytes a point"]
    lines = [_line(head), "|" + "---:|" * len(head)]
    for one in costs:
        numbers = {"jobs": one.load.jobs, "metrics": one.load.metrics, "points": one.load.total}
        cells = [f"**{n:,}**" if name == one.grows else f"{n:,}" for name, n in numbers.items()]
        cells += [f"{one.cpu_us[who]:.2f}" for who in WHO]
        cells.append(f"{sum(one.cpu_us.values()):.2f}")
        cells.append("" if one.delay_s is None else f"{one.delay_s[0]:.2f} s, {one.delay_s[1]:.2f} s")
        lines.append(_line([*cells, f"{one.bytes_a_point:.1f}"]))
    return "\n".join(lines)


def written(document: str, made: str) -> str:
    """A document with what was made between its two marks.

    Raises:
        ValueError: the marks aren't there, once each.
    """
    if document.count(BEGIN) != 1 or document.count(END) != 1:
        raise ValueError(f"the document has to have {BEGIN!r} and {END!r} once each; put them where the table belongs")
    before, _, rest = document.partition(BEGIN)
    return f"{before}{BEGIN}\n\n{made}\n\n{END}{rest.partition(END)[2]}"


def plot(costs: Sequence[Cost], path: Path) -> None:
    """One panel for each number that grows: processor time a point, stacked by who spends it. SVG."""
    import matplotlib

    matplotlib.use("svg")
    # the same figures give the same file
    matplotlib.rcParams.update({"svg.hashsalt": "epochal", "svg.fonttype": "none", "font.size": 9})
    from matplotlib import pyplot

    names = list(dict.fromkeys(one.grows for one in costs))
    figure, axes = pyplot.subplots(1, len(names), figsize=(10, 3.2), sharey=True, squeeze=False, layout="constrained")
    for axis, grows in zip(axes[0], names, strict=True):
        mine = [one for one in costs if one.grows == grows]
        bottom = [0.0] * len(mine)
        for who in WHO:
            heights = [one.cpu_us[who] for one in mine]
            axis.bar([f"{one.number:,}" for one in mine], heights, bottom=bottom, label=who)
            bottom = [low + height for low, height in zip(bottom, heights, strict=True)]
        axis.set_xlabel(grows)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0][0].set_ylabel("CPU s a million points")
    axes[0][0].legend(frameon=False)
    figure.savefig(path, format="svg", metadata={"Date": None})
    pyplot.close(figure)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
