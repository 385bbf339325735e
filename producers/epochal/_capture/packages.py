"""The installed distributions and their versions."""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Iterable, Mapping
from importlib import metadata
from typing import Any

_NAME = re.compile(r"^Name:[ \t]*(\S+)", re.MULTILINE)
_VERSION = re.compile(r"^Version:[ \t]*(\S+)", re.MULTILINE)


def capture_packages() -> dict[str, Any]:
    """``{"packages": {name: version}, "digest": "sha256:…"}``; of a name found twice, the one that Python imports.

    Distributions without a readable name or version are counted under ``"unreadable"``.
    """
    found, unreadable = _installed(metadata.distributions())
    result: dict[str, Any] = {"packages": found, "digest": packages_digest(found)}
    if unreadable:
        result["unreadable"] = unreadable
    return result


def packages_digest(packages: Mapping[str, str]) -> str:
    """``sha256:<hex>`` of the lines ``name==version``, sorted by name: equal for equal environments."""
    lines = "".join(f"{name}=={version}\n" for name, version in sorted(packages.items()))
    return "sha256:" + hashlib.sha256(lines.encode()).hexdigest()


def _installed(distributions: Iterable[metadata.Distribution]) -> tuple[dict[str, str], int]:
    found: dict[str, str] = {}
    unreadable = 0
    for distribution in distributions:
        name = version = None
        # metadata is other people's files: what is broken there is counted
        with contextlib.suppress(Exception):
            name, version = _name_and_version(distribution)
        if not name or not version:
            unreadable += 1
        else:
            found.setdefault(name, version)
    return dict(sorted(found.items(), key=lambda item: item[0].lower())), unreadable


def _name_and_version(distribution: metadata.Distribution) -> tuple[str | None, str | None]:
    # Not distribution.metadata: parsing every header as e-mail takes ten times as long, with the training waiting.
    text = distribution.read_text("METADATA") or distribution.read_text("PKG-INFO") or ""
    headers = text.partition("\n\n")[0]
    name, version = _NAME.search(headers), _VERSION.search(headers)
    return name and name[1], version and version[1]
