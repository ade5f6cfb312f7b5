"""The only place that knows Tuzhan: its endpoints and their payloads, its replies, its token, its HTTP."""
