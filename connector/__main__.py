"""`python -m connector` is `tuzhan-connector`."""

from connector.cli import main

main()
