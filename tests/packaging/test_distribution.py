"""What is built is what works: the wheel and the editable install, each in an environment of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {
    "epochal": ROOT / "producers/epochal",
    "epochal_processors": ROOT / "stream_processors/epochal_processors",
    "epochal_storage": ROOT / "storage/epochal_storage",
    "epochal_query": ROOT / "storage/epochal_query",
}
DESCRIBE = """
import importlib.metadata, importlib.resources, pathlib
for name in ("epochal", "epochal_processors", "epochal_storage", "epochal_query"):
    print(name, pathlib.Path(__import__(name).__file__).parent)
print("sql", len(importlib.resources.files("epochal_storage").joinpath("migrations/0001_log.sql").read_text()))
for point in importlib.metadata.entry_points(group="epochal.commands"):
    print("commands", point.name, callable(point.load()))
"""


def pip(*arguments: str, python: Path | None = None) -> None:
    """Run this environment's pip, without asking any index."""
    into = [] if python is None else ["--python", str(python)]
    done = subprocess.run(
        [sys.executable, "-m", "pip", *into, *arguments, "--no-deps", "--no-index", "--no-build-isolation", "--quiet"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
    )
    assert done.returncode == 0, done.stderr


def clean_environment(folder: Path, *, dependencies: bool) -> Path:
    """The Python of a new environment that has nothing; or our dependencies, but none of our packages."""
    venv.create(folder, with_pip=False, symlinks=True)
    if dependencies:
        site = folder / "lib" / f"python{sysconfig.get_python_version()}" / "site-packages"
        # A plain path in a .pth file is added as it is: the .pth files lying in it, such as that of our own editable
        # install, are not followed.
        (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin/python"


def run(python: Path, *arguments: str, cwd: Path) -> str:
    """What a Python prints that sees nothing of this process's environment."""
    kept = {"PATH": os.environ["PATH"], "HOME": str(cwd), "LANG": "C.UTF-8"}
    done = subprocess.run([str(python), *arguments], capture_output=True, text=True, cwd=cwd, env=kept, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this tree."""
    folder = tmp_path_factory.mktemp("wheel")
    pip("wheel", str(ROOT), "--wheel-dir", str(folder))
    (built,) = folder.glob("epochal-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with our dependencies and the wheel."""
    python = clean_environment(tmp_path_factory.mktemp("clean"), dependencies=True)
    pip("install", str(wheel), python=python)
    return python


def test_the_wheel_holds_every_file_of_the_packages_and_no_other(wheel: Path) -> None:
    """SQL and type markers are in; tests, benchmarks and the folders' names are not."""
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    expected = {
        f"{package}/{file.relative_to(folder).as_posix()}"
        for package, folder in PACKAGES.items()
        for file in folder.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert held == expected
    assert {"epochal/py.typed", "epochal_storage/migrations/0001_log.sql"} <= held


def test_the_door_opens_with_nothing_but_the_wheel(wheel: Path, tmp_path: Path) -> None:
    """`import epochal` works in an environment with no other package at all, as in a bare training image."""
    python = clean_environment(tmp_path / "bare", dependencies=False)
    pip("install", str(wheel), python=python)
    assert run(python, "-c", "import epochal; print(epochal.__version__)", cwd=tmp_path).strip()


def test_all_packages_and_the_migrations_come_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    """With the dependencies there, everything imports from the installed wheel and the commands are found."""
    lines = dict(line.split(" ", 1) for line in run(installed, "-c", DESCRIBE, cwd=tmp_path).splitlines())
    for package in PACKAGES:
        assert Path(lines[package]).is_relative_to(installed.parents[1])
    assert int(lines["sql"]) > 0
    assert lines["commands"].endswith("True")


def test_the_command_line_runs_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    """The script that the wheel brings starts and lists its commands."""
    said = run(installed.with_name("epochal"), "--help", cwd=tmp_path)
    assert "report" in said
    assert "doctor" in said


def test_a_users_own_storage_module_shadows_nothing(installed: Path, tmp_path: Path) -> None:
    """A `storage.py` and a `producers.py` beside the training script are no business of ours."""
    for name in ("storage.py", "producers.py", "stream_processors.py"):
        (tmp_path / name).write_text("raise RuntimeError('the user wrote this')\n")
    (tmp_path / "train.py").write_text(DESCRIBE)
    assert "epochal_query" in run(installed, "train.py", cwd=tmp_path)


def test_the_editable_install_points_at_the_source(tmp_path: Path) -> None:
    """The twin of the wheel: the same packages, imported from this tree."""
    python = clean_environment(tmp_path / "editable", dependencies=True)
    pip("install", "--editable", str(ROOT), python=python)
    lines = dict(line.split(" ", 1) for line in run(python, "-c", DESCRIBE, cwd=tmp_path).splitlines())
    for package, folder in PACKAGES.items():
        assert Path(lines[package]) == folder
    assert int(lines["sql"]) > 0
