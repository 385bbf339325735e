"""Who asks: the two users of a host, known by their tokens."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping
from typing import Literal, Protocol

Role = Literal["reader", "writer"]


class Headers(Protocol):
    """A request's headers, by name in any case."""

    def get(self, name: str, /) -> str | None:
        """The value; None where there is no such header."""
        ...


def role_of(tokens_by_role: Mapping[Role, str], headers: Headers, arguments: Mapping[str, str]) -> Role | None:
    """Whose token a request carries; None when it carries none that is right.

    Guarantees: takes the same time for every wrong token of one length.
    """
    user, secret = _credentials(headers, arguments)
    for role, token in tokens_by_role.items():
        if user in (role, None) and hmac.compare_digest(secret.encode(), token.encode()):
            return role
    return None


def _credentials(headers: Headers, arguments: Mapping[str, str]) -> tuple[str | None, str]:
    authorization = headers.get("Authorization") or ""
    kind, _, value = authorization.partition(" ")
    if kind.lower() == "basic":
        try:
            user, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return "", ""
        return user, secret
    if kind.lower() == "bearer":
        return None, value.strip()
    user_header = headers.get("X-ClickHouse-User")
    if user_header is not None:
        return user_header, headers.get("X-ClickHouse-Key") or ""
    return arguments.get("user", ""), arguments.get("password", "")
