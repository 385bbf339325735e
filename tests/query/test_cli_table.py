"""Tables for people: nothing goes missing without a word."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from epochal_query.cli_table import BLOCKS_MAX, CELL_MAX, person, table_lines

COLUMNS = st.dictionaries(
    st.text(min_size=1, max_size=12).map(person),
    st.lists(st.text(max_size=60).map(person), min_size=3, max_size=3),
    min_size=1,
    max_size=12,
)


@given(COLUMNS, st.integers(60, 120))
def test_every_column_is_shown_or_said_to_be_left_out(columns: dict[str, list[str]], width: int) -> None:
    """Every column is in one of the blocks or in the list of those that are not; no line is wider than the width."""
    blocks, left_out = table_lines(columns, set(), width)
    heads = [lines[0] for lines in blocks]
    assert len(blocks) <= BLOCKS_MAX
    for name in columns:
        assert (name in left_out) or any(name[:CELL_MAX].rstrip() in head for head in heads)
    assert all(cell_len(line) <= width for lines in blocks for line in lines)


def test_wide_cells_are_broken_not_cut() -> None:
    """A long text goes on in the next line."""
    blocks, left_out = table_lines({"a": ["x" * 100], "n": ["7"]}, {"n"}, 80)
    assert left_out == []
    assert "".join(blocks[0]).count("x") == 100


def test_blocks_repeat_the_number_of_the_row() -> None:
    """So that a row can be followed through the blocks."""
    blocks, _ = table_lines({f"column {i}": ["a" * 30, "b" * 30] for i in range(5)}, set(), 80)
    assert len(blocks) > 1
    assert all(lines[2].startswith("1  a") and lines[3].startswith("2  b") for lines in blocks)


def test_texts_cannot_command_the_terminal() -> None:
    """Control characters are shown as what they are."""
    assert person("a\x1b[31mb\nc\x00") == "a\\x1b[31mb\\nc\\x00"


def test_lists_show_what_is_null_and_what_belongs_together() -> None:
    """Nothing in a list or mapping looks like something else."""
    assert person([1, "a", None]) == "1, a, null"
    assert person({"lr": [0.1, 0.01], "opt": {"name": "sgd", "nesterov": None}}) == (
        "lr=[0.1, 0.01], opt={name=sgd, nesterov=null}"
    )
    assert person(["a=1, b=2", "a=1, b=3"]) == "a=1, b=2; a=1, b=3"
    assert person([]) == ""


def test_a_long_list_says_how_much_is_not_shown() -> None:
    """A component in thousands of trials is a line like any other."""
    assert person([f"trial-{number}" for number in range(5_000)]).endswith(" and 4,990 more")
    assert person(["x" * 500, "y" * 500, "z"]) == f"{'x' * 500}, {'y' * 500} and 1 more"


def test_cells_are_broken_between_words() -> None:
    """A number stays whole where it can; what has no blanks is broken anywhere, and nothing is lost."""
    cell = "rates: " + " ".join(f"1e-{number:02d}" for number in range(30))
    blocks, _ = table_lines({"a": [cell], "b": ["y" * 100]}, set(), 200)
    lines = [line for block in blocks for line in block][2:]
    shown = [line[:CELL_MAX].split() for line in lines]
    assert [word for line in shown for word in line] == cell.split()
    assert "".join(line[CELL_MAX:].strip() for line in lines) == "y" * 100
