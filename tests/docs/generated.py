"""Which documents are generated, and by what. ``--write`` writes them all again, also what pages show of sessions."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

# this file is a script of `make docs` and a module of the tests
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from docs.session import rewritten
from docs.time_travel import PAGE_NAME, answered
from host_ending import end_host
from query.conftest import Bare

ROOT = Path(__file__).resolve().parents[2]

GENERATORS = {
    "docs/events.md": "epochal.contract_doc",
    "docs/configuration.md": "epochal._settings_doc",
    "docs/views.md": "epochal_storage.views_doc",
    "docs/cli.md": "epochal_query.cli_doc",
    "docs/walkthrough.ipynb": "tests.docs.notebook",
}
"""Path of a document to the module that prints it."""

SESSIONS = (
    *("README.md", "docs/any-program.md", "docs/corrections.md", "docs/lineage.md", "docs/model.md"),
    *("docs/rich-results.md", "docs/search.md"),
)
"""Pages with a console block, whose commands are run."""


def printed(module: str) -> str:
    """What the generator prints, run as a user would run it."""
    done = subprocess.run(
        [sys.executable, "-m", module], cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=False
    )
    if done.returncode:
        raise RuntimeError(f"python -m {module} failed:\n{done.stderr}")
    return done.stdout


def main() -> None:
    """Write the documents, or say which are stale."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write what differs")
    write = parser.parse_args().write
    for path, module in GENERATORS.items():
        file, text = ROOT / path, printed(module)
        if file.exists() and file.read_text(encoding="utf-8") == text:
            continue
        print(f"{path}: {'written' if write else 'stale'}")
        if write:
            file.write_text(text, encoding="utf-8")
    if write:
        for page in map(ROOT.joinpath, SESSIONS):
            with tempfile.TemporaryDirectory() as folder:
                try:
                    page.write_text(rewritten(page.read_text(encoding="utf-8"), Path(folder)), encoding="utf-8")
                finally:
                    end_host(Path(folder) / "store")
        page = ROOT / PAGE_NAME
        with tempfile.TemporaryDirectory() as folder:
            bare = Bare(Path(folder))
            try:
                page.write_text(answered(page.read_text(encoding="utf-8"), bare), encoding="utf-8")
            finally:
                bare.end()


if __name__ == "__main__":
    main()
