"""What notebooks show of the SDK's handles: names are whatever somebody typed, so all is escaped."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import uuid4

from sdk.children import run

from epochal._html import card, preformatted
from epochal_query.notebook_progress import Bars, shown
from epochal_query.shown import Handle


def test_html_is_escaped(tmp_path: Path) -> None:
    """A name that holds HTML is text, in every handle."""
    child = run(
        """
        import json
        name = "<script>alert(1)</script>"
        exp = epochal.experiment(name, variables={name: [name]})
        trial = exp.trial({name: name})
        with trial.run(name) as run:
            text = run.log_text(name, name)
            text.wait()
            shown = [each._repr_html_() for each in (exp, trial, run, text)]
            shown.append(run.log_output(name, path="missing")._repr_html_())
        print(json.dumps(shown))
        """,
        tmp_path,
    )
    shown = json.loads(child.out)
    assert len(shown) == 5
    for html in shown:
        assert "<script" not in html
        assert "&lt;script&gt;" in html
    assert "running" in shown[2]
    assert "sha256:" in shown[3]


def test_cards() -> None:
    """What isn't there is left out; 0 and False are there."""
    html = card("<t>", {"none": None, "empty": "", "zero": 0, "no": False, "<k>": {"<a>": "<b>"}})
    assert html.startswith("<div><b>&lt;t&gt;</b>")
    assert "none" not in html
    assert "empty" not in html
    assert ">0<" in html
    assert ">False<" in html
    assert "&lt;a&gt; = &#x27;&lt;b&gt;&#x27;" in html
    assert preformatted("<a>\n") == "<pre>&lt;a&gt;\n</pre>"


def test_a_handle_of_the_store_in_a_line() -> None:
    """Kind, name and id."""

    class Some(Handle):
        """A handle."""

        name = "a'b"
        id = uuid4()

    assert repr(Some()) == f"""<Some "a'b" {Some.id}>"""


def test_bars_of_a_notebook() -> None:
    """From the first second on, not too often, every thing that was worked on; nothing is left behind."""
    now = 0.0
    seen: list[str] = []
    bars = Bars(seen.append, lambda: now)
    bars("<points>", 1, 2000)
    assert seen == []
    now = 1.5
    bars("<points>", 1500, 2000)
    bars("<points>", 1600, 2000)
    assert seen == ['<div>&lt;points&gt; <progress value="1500" max="2000"></progress> 1,500 of 2,000</div>']
    now = 2.0
    bars("blocks", 1, 3)
    assert "1,600 of 2,000" in seen[1]
    assert "1 of 3" in seen[1]
    bars.end()
    assert seen[2] == ""
    quick: list[str] = []
    Bars(quick.append, lambda: now).end()
    assert quick == []


def test_who_is_told_of_progress() -> None:
    """The caller's own function; outside a notebook else nobody."""
    mine: list[str] = []
    with shown(lambda what, done, total: mine.append(what)) as told:
        told("a", 1, 2)
    assert mine == ["a"]
    with shown(None) as told:
        told("a", 1, 2)
