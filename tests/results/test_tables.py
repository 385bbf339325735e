"""Tables, from what was given to the frame that is read back: types, NaN, infinities and what is missing, exactly."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from epochal._results.tables import table_document
from epochal_query.result_tables import table_frame


def through(table: object) -> pd.DataFrame:
    """What is read of what is written."""
    content, media_type = table_document("t", table)
    assert media_type == "application/vnd.epochal.table+json"
    return table_frame(json.loads(content))


FRAMES: dict[str, pd.DataFrame] = {
    "integers": pd.DataFrame({str(t): np.array([1, 2, 127], dtype=t) for t in ("int8", "uint8", "int32", "uint64")}),
    "widest": pd.DataFrame({"i": np.array([-(2**63), 2**63 - 1]), "u": np.array([0, 2**64 - 1], dtype="uint64")}),
    "floats": pd.DataFrame({"f": [0.1, -0.0, math.nan, math.inf, -math.inf, 5e-324, 1.7976931348623157e308]}),
    "narrow floats": pd.DataFrame({t: np.array([0.1, math.nan, -math.inf], dtype=t) for t in ("float16", "float32")}),
    "bools": pd.DataFrame({"b": [True, False]}),
    "texts": pd.DataFrame({"s": ["a", None, "", "é\n\"'<", "nan"]}),
    "nullable": pd.DataFrame(
        {
            "i": pd.array([1, None, 2**62 + 1], dtype="Int64"),
            "f": pd.array([0.1, None, math.inf], dtype="Float64"),
            "b": pd.array([True, None, False], dtype="boolean"),
            "s": pd.array(["a", None, "c"], dtype="string"),
        }
    ),
    "instants": pd.DataFrame(
        {
            "plain": pd.DatetimeIndex(["2024-05-01T12:00:00.123456789", pd.NaT]),
            "zone": pd.DatetimeIndex(["2024-03-31T02:30:00", pd.NaT], tz="UTC").tz_convert("Europe/Berlin"),
            "apart": pd.to_timedelta([1, None], unit="ns"),
        }
    ),
    "categories": pd.DataFrame(
        {
            "c": pd.Categorical(["b", None, "a"], ["b", "a", "unused"], ordered=True),
            "n": pd.Categorical([2, 1, 2], [2, 1]),
        }
    ),
    "categories of other types": pd.DataFrame(
        {
            "apart": pd.Categorical(pd.to_timedelta([2, None, 1], "s")),
            "plain": pd.Categorical(pd.DatetimeIndex(["2024-05-01T12:00", pd.NaT, "2024-05-02"])),
            "zone": pd.Categorical(pd.DatetimeIndex(["2024-05-01", pd.NaT, "2024-05-02"], tz="Europe/Berlin")),
            "mixed": pd.Categorical.from_codes([1, -1, 0], pd.Index(["a", (1, (2, "b"))], tupleize_cols=False)),
        }
    ),
    "of Arrow": pd.DataFrame(
        {
            "plain": pd.Series(["2024-05-01T12:00:00.123456789", None], dtype="timestamp[ns][pyarrow]"),
            "apart": pd.Series([pd.Timedelta(1), None], dtype="duration[ns][pyarrow]"),
            "zone": pd.DatetimeIndex(["2024-03-31T02:30", pd.NaT], tz="UTC").astype(
                "timestamp[us, tz=Europe/Berlin][pyarrow]"
            ),
            "day": pd.Series(["2024-05-01", None], dtype="date32[day][pyarrow]"),
            "i": pd.Series([1, None], dtype="int64[pyarrow]"),
        }
    ),
    "objects": pd.DataFrame({"o": pd.Series([None, math.nan, 1, 1.5, True, "x", [1, {"a": None}]], dtype=object)}),
    "index": pd.DataFrame({"v": [1.0, 2.0]}, index=pd.Index(["a", "b"], name="key")),
    "unnamed index": pd.DataFrame({"v": [1.0, 2.0]}, index=[10, 7]),
    "two levels": pd.DataFrame({"v": [1, 2]}, index=pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["x", None])),
    "numbers as names": pd.DataFrame([[1, 2], [3, 4]]),
    "no rows": pd.DataFrame({"a": pd.Series([], dtype="int64"), "b": pd.Series([], dtype="str")}),
    "no columns": pd.DataFrame(index=range(3)),
    "nothing": pd.DataFrame(),
}


@pytest.mark.parametrize("name", FRAMES)
def test_a_frame_comes_back_as_it_was(name: str) -> None:
    """Values, dtypes, index and names."""
    given = FRAMES[name]
    found = through(given)
    assert list(found.columns) == list(given.columns)
    pd.testing.assert_frame_equal(found, given, check_exact=True, check_column_type=False)
    for column in given.columns:
        if given[column].dtype.kind == "f" and isinstance(given[column].dtype, np.dtype):
            assert found[column].to_numpy().tobytes() == given[column].to_numpy().tobytes()


def test_rows_and_columns_of_plain_python() -> None:
    """A list of mappings and a mapping of columns are the same table; what a row lacks is missing, not NaN."""
    rows = through([{"a": 1, "b": 0.5}, {"a": 2}, {"b": math.nan, "c": "x"}])
    columns = through({"a": [1, 2, None], "b": [0.5, None, math.nan], "c": [None, None, "x"]})
    pd.testing.assert_frame_equal(rows, columns)
    assert str(rows["a"].dtype) == "Int64"
    assert rows["a"].tolist()[:2] == [1, 2]
    b = rows["b"].tolist()
    assert (b[0], b[1]) == (0.5, None)
    assert math.isnan(b[2])
    assert rows["c"].tolist()[2] == "x"


def test_integers_without_end_and_floats_beside_integers() -> None:
    """An integer is never rounded: beyond 2^53 a column of floats keeps it apart."""
    found = through({"huge": [1, 10**30], "mixed": [1, 2.5], "apart": [2**60 + 1, 0.5], "bools": [True, 1]})
    assert found["huge"].tolist() == [1, 10**30]
    assert found["mixed"].tolist() == [1.0, 2.5]
    assert str(found["mixed"].dtype) == "float64"
    assert found["apart"].tolist() == [2**60 + 1, 0.5]
    assert [type(cell) for cell in found["bools"]] == [bool, int]


def test_arrays() -> None:
    """Two dimensions, fields, scalars of NumPy in lists, and columns that are arrays."""
    assert through(np.array([[1, 2], [3, 4]]))[1].tolist() == [2, 4]
    fields = np.array([(1, 0.5, "x")], dtype=[("i", "i2"), ("f", "f4"), ("s", "U3")])
    found = through(fields)
    assert [str(found[name].dtype) for name in ("i", "f", "s")] == ["int16", "float32", "str"]
    found = through({"a": [np.float32(0.1), np.float64(2)], "t": [np.int64(1), np.int8(2)]})
    assert found["a"].tolist() == [0.10000000149011612, 2.0]
    assert found["t"].tolist() == [1, 2]


APART = [np.timedelta64(-1, "ns"), pd.Timedelta(-1), timedelta(microseconds=-3)]
LATE = "2024-05-01T12:00:00.123456789"


@pytest.mark.parametrize(
    ("cells", "same"),
    [
        ([np.datetime64(LATE), None], pd.Series(pd.DatetimeIndex([LATE, pd.NaT]))),
        ([pd.NaT, pd.Timestamp(LATE)], pd.Series(pd.DatetimeIndex([pd.NaT, LATE]))),
        (
            [pd.Timestamp(LATE, tz="Europe/Berlin"), pd.NaT],
            pd.Series(pd.DatetimeIndex([LATE, pd.NaT], tz="Europe/Berlin")),
        ),
        ([datetime(2024, 5, 1, tzinfo=UTC), None], pd.Series(pd.DatetimeIndex(["2024-05-01", pd.NaT], tz="UTC"))),
        (
            [np.datetime64("2024-05-01"), np.datetime64("NaT")],
            pd.Series(pd.DatetimeIndex(["2024-05-01", pd.NaT], dtype="M8[s]")),
        ),
        ([APART[0], None], pd.Series(pd.to_timedelta([-1, None], "ns"))),
        ([APART[1], APART[2]], pd.Series(pd.to_timedelta([-1, -3000], "ns"))),
        ([pd.NA, 1], pd.Series([pd.NA, 1], dtype="Int64")),
        ([pd.NaT, "x"], pd.Series([None, "x"], dtype="str")),
    ],
)
def test_cells_of_numpy_and_pandas(cells: list[Any], same: pd.Series[Any]) -> None:
    """In a list and in rows they are what they are in a column: instants and durations to the nanosecond."""
    column, rows = through({"a": cells})["a"], through([{"a": cell} for cell in cells])["a"]
    pd.testing.assert_series_equal(column, rows)
    expected = same if getattr(same.dtype, "tz", None) is None else same.dt.tz_convert("UTC")
    pd.testing.assert_series_equal(column, expected, check_names=False, check_dtype=same.dtype.kind not in "Mm")
    assert column.dtype.kind == same.dtype.kind


def test_the_rows_of_a_frame_are_the_frame() -> None:
    """Whatever pandas makes of its cells."""
    given = FRAMES["instants"].assign(zone=FRAMES["instants"]["zone"].dt.tz_convert("UTC"), i=[1, 2])
    found = through(given.to_dict("records"))
    pd.testing.assert_frame_equal(found, given, check_dtype=False, check_exact=True)
    assert [dtype.kind for dtype in found.dtypes] == ["M", "M", "m", "i"]


def test_times_that_no_dtype_holds_together_are_kept_as_text() -> None:
    """NumPy and pandas would turn the year 3000 into 1830, in silence."""
    nanosecond = pd.Timestamp(1)
    assert through({"t": [nanosecond, datetime(3000, 1, 1)]})["t"].tolist()[1] == "3000-01-01T00:00:00"
    assert through({"t": [np.datetime64(1, "ns"), np.datetime64("3000-01-01")]})["t"].tolist()[1] == "3000-01-01"
    assert through({"t": [timedelta.max]})["t"].tolist() == [timedelta.max.total_seconds()]


def test_columns_that_are_an_index() -> None:
    """Also one of instants with a zone."""
    given = pd.DatetimeIndex(["2024-05-01", pd.NaT], tz="Europe/Berlin")
    pd.testing.assert_series_equal(through({"t": given})["t"], pd.Series(given, name="t"))


def test_what_an_older_document_says_of_categories() -> None:
    """Its values stand apart from the categories."""
    content, _ = table_document("t", {"t": pd.Categorical(pd.DatetimeIndex(["2024-05-01T12:00"]))})
    document = json.loads(content)
    document["columns"][0] |= {"type": "json", "values": ["2024-05-01T12:00:00"]}
    assert table_frame(document)["t"].tolist() == [pd.Timestamp("2024-05-01T12:00")]


def test_half_a_character_is_kept() -> None:
    """Text that UTF-8 can't carry is read as it was."""
    assert through({"s": ["a\ud800", "b"]})["s"].tolist() == ["a\ud800", "b"]


def test_the_same_table_is_the_same_content() -> None:
    """So it is stored once."""
    assert table_document("t", FRAMES["floats"]) == table_document("t", FRAMES["floats"].copy())


WRONG: dict[str, tuple[Any, type[Exception], str]] = {
    "number": (3, TypeError, "a int is no table"),
    "text": ("abc", TypeError, "a str is no table"),
    "rows": ([[1, 2]], TypeError, "no mapping of column names"),
    "scalar column": ({"a": 1}, TypeError, "a column is a list of its values"),
    "text column": ({"a": "xyz"}, TypeError, "a column is a list of its values"),
    "lengths": ({"a": [1], "b": [1, 2]}, ValueError, "'a': 1, 'b': 2"),
    "lengths of columns that look alike": ({1: [1, 2], "1": [1]}, ValueError, "1: 2, '1': 1"),
    "name": ({(1, 2): [1]}, TypeError, "got (1, 2)"),
    "twice": (pd.DataFrame([[1, 2]], columns=["a", "a"]), ValueError, "two columns are named 'a'"),
    "one dimension": (np.array([1, 2]), TypeError, "shape (2,)"),
    "deep column": ({"a": np.zeros((2, 2))}, TypeError, "shape (2, 2)"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_table(name: str) -> None:
    """Is refused with its value, and what is accepted."""
    given, error, text = WRONG[name]
    with pytest.raises(error) as raised:
        table_document("t", given)
    assert text in str(raised.value)
