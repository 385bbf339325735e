"""The environment variables and the command line, without their secrets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from epochal._capture.redact import redact_command, redact_mapping


def capture_env(environ: Mapping[str, str]) -> dict[str, str]:
    r"""All variables, sorted by name; secrets are ``[redacted]``, bytes that are not UTF-8 are ``\\xNN``."""
    readable = {_readable(name): _readable(value) for name, value in environ.items()}
    return dict(sorted(redact_mapping(readable).items()))


def capture_command(arguments: Sequence[str]) -> list[str]:
    """A command line without its secrets."""
    return redact_command([_readable(argument) for argument in arguments])


def _readable(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
