"""Which names and values are secrets; pure functions that put ``[redacted]`` in their place.

Redaction errs on the side of hiding in environments and command lines, where a name is all there is, and on the side
of keeping in free text (console, diffs), where ``key = jax.random.key(0)`` and ``num_tokens: 512`` must survive.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence

from epochal._capture import secret_shapes as shapes

REDACTED = "[redacted]"

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_NUMBER_OR_FLAG = re.compile(r"-?\d+(\.\d+)?|true|false|yes|no|none|null", re.IGNORECASE)


def is_secret_name(name: str) -> bool:
    """Whether a variable, option or parameter with this name holds a secret, as far as names tell."""
    return _secrecy(name) > 0


def is_secret_name_in_text(name: str) -> bool:
    """The same for names in free text and code, where a bare ``key``, ``token`` or ``auth`` is no secret's name."""
    return _secrecy(name) > 1


def redact_value(name: str, value: str) -> str:
    """The value of a named variable: redacted when the name or the value itself tells that it is secret."""
    if not value:
        return value
    if is_secret_name(name) and not (_NUMBER_OR_FLAG.fullmatch(value) and not _is_password(name)):
        return REDACTED
    return redact_text(value)


def redact_mapping(values: Mapping[str, str]) -> dict[str, str]:
    """The same names, each value redacted as ``redact_value`` does."""
    return {name: redact_value(name, value) for name, value in values.items()}


def redact_command(arguments: Sequence[str]) -> list[str]:
    """A command line with the values of secret options redacted (``--password x``, ``--api-key=x``, ``TOKEN=x``)."""
    result: list[str] = []
    secret_follows: str | None = None
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if secret_follows is not None and not (argument.startswith("--") and len(argument) > 2):
            result.append(redact_value(secret_follows, argument))
            secret_follows = None
            continue
        secret_follows = None
        if equals and shapes.OPTION_NAME.fullmatch(name):
            result.append(f"{name}={redact_value(name, value)}")
            continue
        if argument.startswith("-") and is_secret_name(argument):
            secret_follows = argument
        result.append(redact_text(argument))
    return result


def redact_url(url: str) -> str:
    """A URL without user, password and signatures (a bare user name, such as ``git@``, goes too)."""
    return redact_text(shapes.ANY_URL_USER.sub(r"\1", url))


def redact_text(text: str) -> str:
    """Free text with everything redacted that looks like a secret.

    Guarantees: the number of lines stays the same; text redacted once stays as it is.
    """
    if "PRIVATE KEY" in text:
        text = shapes.PRIVATE_KEY.sub(_key_block, text)
    lowered = text.lower()
    hints = [hint for hint in shapes.HINTS if hint in lowered]
    if not hints:
        return text
    lines = text.split("\n")
    for number, line in enumerate(lines):
        lowered = line.lower()
        if any(hint in lowered for hint in hints):
            lines[number] = _redact_line(line)
    return "\n".join(lines)


def redact_bytes(data: bytes) -> bytes:
    """The same for bytes that are mostly UTF-8 text, such as a diff; other bytes stay as they are."""
    return redact_text(data.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


def _redact_line(line: str) -> str:
    for hint, shape in shapes.WHOLE:
        if hint in line:
            line = shape.sub(REDACTED, line)
    if "://" in line and "@" in line:
        line = shapes.URL_USER.sub(rf"\1{REDACTED}@", line)
    lowered = line.lower()
    for hint, shape in shapes.AFTER_PREFIX:
        if hint in lowered:
            line = shape.sub(rf"\1{REDACTED}", line)
    if any(is_secret_name_in_text(name) for name in shapes.NAME.findall(line)):
        for shape in shapes.NAMED:
            line = shape.sub(_named, line)
    return line


def _named(match: re.Match[str]) -> str:
    name, value = match["name"], match["value"]
    secret = is_secret_name_in_text(name)
    if not secret or value == REDACTED or _NUMBER_OR_FLAG.fullmatch(value):
        return match[0]
    start = match.start()
    return match[0][: match.start("value") - start] + REDACTED + match[0][match.end("value") - start :]


def _key_block(match: re.Match[str]) -> str:
    first, *rest = match[2].split("\n")
    # a diff's first column stays, and so does what stands before the end mark
    kept = [line[:1] if line[:1] in ("+", "-", " ") else "" for line in rest]
    hidden = [mark + (REDACTED if len(line) > len(mark) else "") for mark, line in zip(kept, rest, strict=True)]
    return "\n".join([match[1] + (REDACTED if first else ""), *hidden]) + match[3]


def _is_password(name: str) -> bool:
    return any(word.lower() in shapes.PASSWORDS for word in _WORD.findall(name))


@functools.lru_cache(maxsize=4096)
def _secrecy(name: str) -> int:
    """0: no secret; 1: where a name is all there is; 2: in free text too."""
    words = [word.lower() for word in _WORD.findall(name)]
    found = 0
    for place, word in enumerate(words):
        before = words[place - 1] if place else ""
        after = words[place + 1] if place + 1 < len(words) else ""
        if before == "access" and word == "key" and after == "id":
            return 2
        if after in shapes.HARMLESS_AFTER:
            continue
        if word == "pwd" and before not in ("", "old"):
            return 2
        if word in shapes.ALWAYS or any(part in word for part in shapes.INSIDE):
            return 2
        if word in shapes.DEPENDS and before not in shapes.HARMLESS_BEFORE:
            found = max(found, 2 if before in shapes.TELLING_BEFORE or (before and name.isupper()) else 1)
    return found
