"""`python -m connector` runs the command line `tuzhan-connector`."""

from connector.cli import main

main()
