"""Access tokens: issued, expired, killed. `now` is an argument, in seconds of a monotonic clock."""

from __future__ import annotations

import hmac
import secrets

_BYTES = 20
"""The documents' sample tokens are 20 bytes, base64url."""


class Tokens:
    """The tokens of one self-built app; lives as long as the sandbox."""

    def __init__(self, app_id: str, app_secret: str) -> None:
        self._credentials = (app_id.encode(), app_secret.encode())
        self._expiry_s: dict[str, float] = {}
        self.requests = 0
        self.refused = 0

    def admits(self, app_id: str, app_secret: str) -> bool:
        """Whether these are the app's credentials."""
        given = (app_id.encode(), app_secret.encode())
        return all(hmac.compare_digest(*pair) for pair in zip(given, self._credentials, strict=True))

    def issue(self, life_s: float, now: float, *, kill_old: bool) -> str:
        """Make a token that lives `life_s` seconds; forget those that have expired, or all before it."""
        alive = {} if kill_old else {old: end for old, end in self._expiry_s.items() if end > now}
        token = secrets.token_urlsafe(_BYTES)
        self._expiry_s = {**alive, token: now + life_s}
        return token

    @staticmethod
    def refresh() -> str:
        """Make a refresh token; no document says where one could be used."""
        return secrets.token_urlsafe(_BYTES)

    def valid(self, token: str, now: float) -> bool:
        """Whether a request that carries this token may pass."""
        return self._expiry_s.get(token, now) > now

    def expire_all(self) -> int:
        """End the life of every token; gives how many there were."""
        count = len(self._expiry_s)
        self._expiry_s = {}
        return count

    def report(self) -> dict[str, int]:
        """Count the requests to the token endpoint, and those that it refused."""
        return {"requests": self.requests, "refused": self.refused}
