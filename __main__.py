"""`python -m triadic` is the command `triadic`."""

from triadic.cli import main

main()
