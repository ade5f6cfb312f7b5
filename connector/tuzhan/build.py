"""Builds the platform's edge from the config: one client and one token for all targets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.core.retry import Backoff
from connector.tuzhan.client import PlatformClient
from connector.tuzhan.renewal import Renewal
from connector.tuzhan.static_token import FixedToken, TokenFile
from connector.tuzhan.token import FetchedToken

if TYPE_CHECKING:
    from random import Random

    from connector.core.events import Emit
    from connector.settings.models import Config, Platform
    from connector.tuzhan.token import TokenEndpoint, Tokens


def build_client(config: Config) -> PlatformClient:
    """Build the one client, with room for all requests of all targets; on the event loop."""
    in_flight = sum(target.max_in_flight for target in config.targets.values())
    return PlatformClient(config.platform.base_url, config.platform.request_timeout, in_flight)


def build_tokens(platform: Platform, endpoint: TokenEndpoint, emit: Emit, random: Random) -> Tokens:
    """Choose the one of the three ways to a token that the config names (it was checked to name one)."""
    auth = platform.auth
    if auth.token is not None:
        return FixedToken(auth.token.get_secret_value(), emit, platform.retry.max)
    if auth.token_file is not None:
        return TokenFile(auth.token_file, emit, platform.retry.max)
    secret = auth.app_secret.get_secret_value() if auth.app_secret is not None else ""
    renewal = Renewal(Backoff(platform.retry.first, platform.retry.max), random)
    return FetchedToken((auth.app_id or "", secret), endpoint, emit, renewal)
