"""From a config file to checked settings and a compiled mapping: YAML, `${…}`, checks, the JSON Schema.

Every problem is reported with its place in the file, and no message shows a secret.
"""
