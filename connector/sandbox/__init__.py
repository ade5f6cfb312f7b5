"""The platform's stand-in: a real HTTP server that behaves as the platform documents say, and misbehaves on request.

It reads the documents for itself (`documents`) and shares no table with `connector.tuzhan`, so that a misreading on
one side shows up as a refused request.
"""
