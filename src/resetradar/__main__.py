"""`python -m resetradar` is the command."""

from resetradar.cli import main

main()
