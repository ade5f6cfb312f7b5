"""What shows users what a mapping does before it runs: `test`, `preview` and `explain`.

Nothing here needs the platform, or a variable that only the platform's section of a config uses.
"""
