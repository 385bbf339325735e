"""What the documents point at is there: files, headings, and the tests that prove the guarantees."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from docs.generated import ROOT

DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"\[(?P<text>[^\]]*)\]\((?P<target>[^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
PROVING = [ROOT / "README.md", ROOT / "docs/guarantees.md"]


def links(document: Path) -> Iterator[tuple[str, str]]:
    """Text and target of every link that stays inside the repository; code blocks are no prose."""
    for match in LINK.finditer(FENCE.sub("", document.read_text(encoding="utf-8"))):
        if "://" not in match["target"]:
            yield match["text"], match["target"]


def anchors(document: Path) -> set[str]:
    """The anchors that a Markdown viewer gives the headings."""
    titles = re.findall(r"^#+ (.+)$", FENCE.sub("", document.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(document: Path) -> None:
    """Every relative link names a file of the repository and, after `#`, one of its headings."""
    for _, target in links(document):
        path, _, fragment = target.partition("#")
        file = (document.parent / path).resolve() if path else document
        assert file.exists(), target
        assert not fragment or fragment in anchors(file), target


def functions_in(file: Path) -> set[str]:
    """Names of the test functions and classes of a file."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}


@pytest.mark.long
@pytest.mark.parametrize("document", PROVING, ids=lambda path: path.name)
def test_each_guarantee_names_a_test_that_exists(document: Path) -> None:
    """A link whose text is a test's name points at the file that has that test."""
    named = [(text.strip("`"), target) for text, target in links(document) if text.startswith("`test_")]
    assert named, "no guarantee is linked to its test"
    for name, target in named:
        assert name in functions_in((document.parent / target).resolve()), f"{target} has no {name}"


@pytest.mark.parametrize("document", PROVING, ids=lambda path: path.name)
def test_no_guarantee_is_without_a_proof(document: Path) -> None:
    """Each row of the table of guarantees links at least one test."""
    rows = guarantee_rows(document)
    assert rows
    assert [row for row in rows if "[`test_" not in row] == []


def guarantee_rows(document: Path) -> list[str]:
    """The rows of tables whose last column is headed "proved by"."""
    rows: list[str] = []
    inside = False
    for line in document.read_text(encoding="utf-8").splitlines():
        if not line.startswith("|"):
            inside = False
        elif line.rstrip().endswith("proved by |"):
            inside = True
        elif inside and not line.startswith("|---"):
            rows.append(line)
    return rows


def test_every_decision_is_in_the_list() -> None:
    """docs/adr/README.md names every record."""
    listed = {target for _, target in links(ROOT / "docs/adr/README.md")}
    assert listed == {path.name for path in (ROOT / "docs/adr").glob("[0-9]*.md")}
