"""`python -m citybrain` is the `citybrain` command."""

from citybrain.cli import main

main()
