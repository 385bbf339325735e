"""Frames in CSV and Parquet equal the frames, cell for cell."""

from __future__ import annotations

import csv
import io
import json
import math
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pandas as pd
import pyarrow.csv as arrow_csv
import pytest
from query.conftest import Bare

from epochal_query.columns import decoded
from epochal_query.frame_files import read_parquet, write_csv, write_parquet

CELLS: list[dict[str, Any]] = [
    {"number": 1, "float": 0.1, "flag": True, "text": "", "mixed": 1, "list": [1, "a"], "big": 2**70, "only": None},
    {"number": 2**53, "float": 1e300, "flag": False, "text": "1", "mixed": True, "list": [1.5], "same": "x"},
    {"float": {"$float": "inf"}, "text": 'a,"b"\nc', "mixed": "1", "mapping": {}, "list": [], "same": "y"},
    {"number": -3, "float": {"$float": "nan"}, "flag": True, "text": "ünï", "mixed": {"$float": "nan"}, "same": "z"},
    {"float": 1 / 3, "text": "null", "mixed": None, "only": "true", "list": [None, True, {"$$a": 1}]},
    {},
]


@pytest.fixture(scope="module")
def frame(bare: Bare) -> pd.DataFrame:
    """A report with everything that a cell can be."""
    log = bare.log("files")
    experiment = log.experiment('files, and "more"')
    for n, cells in enumerate(CELLS):
        trials = [log.trial(experiment, {"n": n}), log.trial(experiment, {"n": n, "x, y": True})][: n % 3]
        metrics: dict[str, Any] = {"loss": [(0, 0.1 * n), (1, math.nan)]} if n % 2 else {}
        told = [[[name], value] for name, value in cells.items()]
        run = log.run(trials or [log.trial(experiment, {})], f"run {n}", cells=told, metrics=metrics)
        if n == 2:
            log.say("tags.set", uuid4(), kind="component", entity=run, words=["a"], values={"$b": [1, None]})
            log.say("artifact.logged", uuid4(), component=run, name="out", direction="out", uri="s3://a, b")
    log.flush()
    return bare.open("files").report(experiment)


def test_parquet_reads_back_equal(frame: pd.DataFrame, tmp_path: Path) -> None:
    """Types, what is missing, lists, mixed values, and what the frame says of itself."""
    write_parquet(frame, tmp_path / "report.parquet")
    again = read_parquet(tmp_path / "report.parquet")
    pd.testing.assert_frame_equal(again, frame, check_exact=True)
    assert again.attrs == frame.attrs
    for name in frame.columns:
        for one, other in zip(again[name], frame[name], strict=True):
            assert type(one) is type(other), name
            assert repr(one) == repr(other), name


def test_pandas_reads_the_same_file(frame: pd.DataFrame, tmp_path: Path) -> None:
    """What has one type has it there, too."""
    write_parquet(frame, tmp_path / "report.parquet")
    again = pd.read_parquet(tmp_path / "report.parquet")
    plain = [name for name in frame.columns if frame[name].dtype != object]
    assert {"float", "flag", "text", "Start", "Duration", "loss - Count"} <= set(plain)
    pd.testing.assert_frame_equal(again[plain], frame[plain], check_exact=True)
    assert [list(cell) for cell in again["Trials"]] == frame["Trials"].to_list()


def _read(text: str | None, column: pd.Series[Any]) -> Any:
    """A cell of CSV by the rules of the documentation; None is one that isn't there."""
    kind = column.dtype
    if text is None:
        return None
    if kind == "object":
        written = {type(cell) for cell in column if cell is not None} == {str}
        return text if written else decoded(text)
    if str(kind) in ("bool", "boolean"):
        return {"true": True, "false": False}[text]
    if str(kind).startswith("datetime64"):
        return datetime.fromisoformat(text)
    if str(kind) == "str":
        return text
    return int(text) if str(kind).lower() == "int64" else float(text)


def test_csv_reads_back_equal(frame: pd.DataFrame, tmp_path: Path) -> None:
    """Every cell can be told from every other: also an empty text from what is missing."""
    write_csv(frame, tmp_path / "report.csv")
    options = arrow_csv.ConvertOptions(
        column_types=dict.fromkeys(frame.columns, "string"),
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
    )
    newlines = arrow_csv.ParseOptions(newlines_in_values=True)
    table: Any = arrow_csv.read_csv(tmp_path / "report.csv", parse_options=newlines, convert_options=options)
    assert table.column_names == list(frame.columns)
    assert table.num_rows == len(frame)
    for name in frame.columns:
        for text, cell in zip(table.column(name).to_pylist(), frame[name], strict=True):
            found = _read(text, frame[name])
            missing = cell is None or cell is pd.NA or cell is pd.NaT or (isinstance(cell, float) and math.isnan(cell))
            if missing and not (isinstance(found, float) and math.isnan(found)):
                assert found is None, (name, text, cell)
            else:
                plain = cell.item() if isinstance(cell, np.generic) else cell
                assert repr(found) == repr(plain) or found == plain, (name, text, cell)


def test_csv_for_others(frame: pd.DataFrame) -> None:
    """Python's reader and pandas read it; numbers are the same numbers."""
    out = io.BytesIO()
    write_csv(frame, out)
    rows = list(csv.DictReader(io.StringIO(out.getvalue().decode())))
    assert [row["text"] for row in rows] == [*("", "1", 'a,"b"\nc', "ünï", "null"), ""]
    assert [json.loads(row["Trials"]) for row in rows] == frame["Trials"].to_list()
    again = pd.read_csv(io.BytesIO(out.getvalue()))
    for name in ("loss - Avg", "loss - Last", "Duration", "float"):
        np.testing.assert_array_equal(again[name].to_numpy(), frame[name].to_numpy())


def test_a_frame_without_rows(frame: pd.DataFrame, tmp_path: Path) -> None:
    """Its columns are there, with their types."""
    empty = frame.iloc[:0]
    write_parquet(empty, tmp_path / "empty.parquet")
    pd.testing.assert_frame_equal(read_parquet(tmp_path / "empty.parquet"), empty)
    write_csv(empty, tmp_path / "empty.csv")
    assert (tmp_path / "empty.csv").read_text().startswith('"ComponentId","Name",')


def test_what_sql_answers_with(bare: Bare, tmp_path: Path) -> None:
    """Ids, dates and decimals are their texts, arrays of texts lists: nothing is JSON that has a text of its own."""
    answer = bare.open("files").sql(
        """SELECT toUUID('7addcea6-211b-59d3-8c74-51f3a3343bd1') AS id, toDate32('2026-01-02') AS day,
                  toDecimal64('1.50', 2) AS price, ['a', 'b'] AS names, CAST(NULL, 'Nullable(UUID)') AS none"""
    )
    write_csv(answer, tmp_path / "answer.csv")
    (row,) = csv.DictReader(io.StringIO((tmp_path / "answer.csv").read_text()))
    assert [row["id"], row["day"], row["none"]] == ["7addcea6-211b-59d3-8c74-51f3a3343bd1", "2026-01-02", ""]
    assert row["price"] in ("1.50", "1.5")
    write_parquet(answer, tmp_path / "answer.parquet")
    again = read_parquet(tmp_path / "answer.parquet")
    assert [again["id"][0], again["names"][0]] == ["7addcea6-211b-59d3-8c74-51f3a3343bd1", ["a", "b"]]
    assert list(pd.read_parquet(tmp_path / "answer.parquet")["names"][0]) == ["a", "b"]
    # as pandas, too, may have them
    made = pd.DataFrame({"id": [UUID(row["id"]), None], "day": [date(2026, 1, 2)] * 2, "price": [Decimal("1.50")] * 2})
    write_parquet(made, tmp_path / "made.parquet")
    table = pd.read_parquet(tmp_path / "made.parquet")
    assert table.iloc[0].to_list() == [row["id"], "2026-01-02", "1.50"]
    assert table["id"].isna().to_list() == [False, True]
