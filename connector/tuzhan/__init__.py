"""The edge to the Tuzhan platform: its endpoints, HTTP client, replies and access token.

No other package knows the platform's URLs, codes or authentication.
"""
