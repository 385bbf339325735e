"""Metrics from printed lines: what is a number, where a name begins, which state of a line counts, which step."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epochal import MisuseError
from epochal._log_lines import LONGEST_LINE, LogReader, definition, definitions

ARTICLE = {name: f"{name}: ([0-9\\.]+)" for name in ("loss", "acc", "val_loss", "val_acc", "test_acc", "test_loss")}


def read(reader: LogReader, *pieces: str) -> list[tuple[dict[str, float], float]]:
    found = [point for piece in pieces for point in reader.feed("stdout", piece)]
    return [*found, *reader.end()]


@pytest.mark.parametrize(
    ("text", "line", "values"),
    [
        ("loss", "loss: 0.5", [0.5]),
        ("loss", "loss=0.5", [0.5]),
        ("loss", "loss 0.5", [0.5]),
        ("loss", "Loss : 0.5", [0.5]),
        ("loss", '{"step": 3, "loss": 0.5}', [0.5]),
        ("loss", "train_loss: 1 val_loss: 2 loss: 3", [3.0]),
        ("loss", "train/loss: 1 model.loss: 2 val-loss: 3", []),
        ("loss", "Training ...loss: 3", [3.0]),
        ("loss", "loss_fn: 0.5 losses: 0.5 lossy 3", []),
        ("loss", "loss: 1e-05 loss: -2.5E+3 loss: +.5 loss: 7.", [1e-05, -2500.0, 0.5, 7.0]),
        ("loss", "loss: inf loss: -Infinity", [math.inf, -math.inf]),
        ("loss", "loss: nano, loss: information", []),
        ("loss", "loss: 1.2.3, loss: 1,234", []),
        ("loss", "loss: 0.25s loss: 12%", [0.25, 12.0]),
        ("epoch", "Epoch 3/30", [3.0]),
        ("loss=loss: ([0-9\\.]+)", "val_loss: 1.0 - loss: 1e-05", [1e-05]),
        ("loss=loss: ([0-9\\.]+)", "loss: -0.5", [-0.5]),
        ("speed=: ([0-9]+) images/s", "step 3: 120 images/s", [120.0]),
        ("a=(?i)ACC \\((?P<value>\\d)\\)", "acc (0.9)", [0.9]),
        ("b=(top|best) (?P<value>.*) of", "best 5e-1 of 3", [0.5]),
        ("c=[(]x[])] ([^)]+)", "(x) 4", [4.0]),
        ("d=(?:one|two): \\(([0-9]+)\\)", "two: (2)", [2.0]),
    ],
)
def test_what_a_definition_reads(text: str, line: str, values: list[float]) -> None:
    """Whole numbers of whole names, or none."""
    assert list(definition(text).values(line)) == values


def test_nan_is_read() -> None:
    """It is data."""
    (value,) = definition("loss").values("loss: nan")
    assert math.isnan(value)


@given(st.floats(allow_nan=False), st.sampled_from(["{!r}", "{:e}", "{:g}", "{:.3f}"]))
def test_every_float_comes_back_as_printed(value: float, form: str) -> None:
    """In whatever form Python prints it."""
    printed = form.format(value)
    assert list(definition("loss=loss: ([0-9]+)").values(f"val_loss: 7 loss: {printed} - x")) == [float(printed)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is not NAME or NAME=PATTERN"),
        ("=x", "is not NAME or NAME=PATTERN"),
        ("loss=", "is not NAME or NAME=PATTERN"),
        ("loss=loss: (", "no regular expression: .*unterminated subpattern"),
        ("loss=loss: [0-9]+", "no group that marks the number"),
        ("loss=loss: (?:[0-9]+)", "no group that marks the number"),
        ("loss=(?x) loss: [ ] ([0-9]+) # :)", "can't have comments"),
    ],
)
def test_definitions_that_make_no_sense(text: str, said: str) -> None:
    """The message names the definition."""
    with pytest.raises(MisuseError, match=said):
        definition(text)


@pytest.mark.parametrize("said", [3, "x", [3], [{"Name": "loss"}], {"loss": 3}, {"": "(.)"}, {"loss": ""}])
def test_documents_that_are_none(said: object) -> None:
    """The accepted forms are shown."""
    with pytest.raises(MisuseError, match="definitions of metrics are"):
        definitions(said)


def test_the_definitions_of_the_article() -> None:
    """Six metrics whose names end alike, from lines as its script prints them; both forms of a document."""
    lines = "loss: 1.5 - acc: 0.25 - val_loss: 2e-05 - val_acc: 0.5\n" * 2 + "test_loss: nan\ntest_acc: 0.75\n"
    forms = (ARTICLE, [{"Name": name, "Regex": pattern} for name, pattern in ARTICLE.items()])
    for form in forms:
        points = read(LogReader(definitions(form)), lines)
        epoch = {"loss": 1.5, "acc": 0.25, "val_loss": 2e-05, "val_acc": 0.5}
        assert points[:2] == [(epoch, 0.0), (epoch, 1.0)]
        ((last, step), ends) = points[2:]
        assert math.isnan(last["test_loss"])
        assert (step, ends) == (0.0, ({"test_acc": 0.75}, 0.0))


def test_a_progress_bar_counts_as_it_ends() -> None:
    """However its states come; colours and backspaces are no part of it."""
    text = "Epoch 1/2\n1/9 loss: 3\r5/9 loss: 2\r\x1b[1m9/9\x1b[0m \x08\x08 loss: 1\r\nEpoch 2/2\n9/9 loss: 0.5"
    expected = [({"loss": 1.0}, 1.0), ({"loss": 0.5}, 2.0)]
    for size in range(1, len(text)):
        pieces = [text[at : at + size] for at in range(0, len(text), size)]
        assert read(LogReader([definition("loss")], definition("epoch")), *pieces) == expected


def test_steps() -> None:
    """The one on the line, wherever it stands, else the last before, else 0; nan is none."""
    reader = LogReader([definition("loss"), definition("acc")], definition("step"))
    text = "loss: 1\nloss: 2 step: 10\nacc: 3\nstep: nan\nacc: 4 loss: 5\n"
    assert read(reader, text) == [
        ({"loss": 1.0}, 0.0),
        ({"loss": 2.0}, 10.0),
        ({"acc": 3.0}, 10.0),
        ({"loss": 5.0, "acc": 4.0}, 10.0),
    ]
    assert (reader.seen, reader.steps, reader.lines) == ({"loss": 3, "acc": 2}, 1, 5)


def test_what_a_line_says_twice_is_there_twice() -> None:
    """At the same step where the step is read, else one after the other."""
    line = "step 3: loss: 1 acc: 5 loss: 2\n"
    first, second = {"loss": 1.0, "acc": 5.0}, {"loss": 2.0}
    metrics = [definition("loss"), definition("acc")]
    assert read(LogReader(metrics, definition("step")), line) == [(first, 3.0), (second, 3.0)]
    assert read(LogReader(metrics), line) == [(first, 0.0), (second, 1.0)]


def test_two_streams_do_not_mix() -> None:
    """A line of one isn't finished by the other."""
    reader = LogReader([definition("loss")])
    assert list(reader.feed("stdout", "loss: 1")) == []
    assert list(reader.feed("stderr", "5 warnings\n")) == []
    assert list(reader.end()) == [({"loss": 1.0}, 0.0)]


def test_a_line_without_end() -> None:
    """It is looked at so far and no further, takes no more memory, and no number is read in part."""
    reader = LogReader([definition("loss")])
    piece = "x" * 1000
    begin = "loss: 1 "
    points = read(reader, begin, *[piece] * (2 * LONGEST_LINE // 1000), " loss: 2\nloss: 3\n")
    assert points == [({"loss": 1.0}, 0.0), ({"loss": 3.0}, 1.0)]
    assert (reader.lines, reader.cut) == (2, 1)
    cut = "y" * (LONGEST_LINE - 8) + " loss: 0.57"
    assert read(LogReader([definition("loss")]), cut + "\n") == []
