"""``python -m resolver`` does what ``darban`` does."""

from resolver.cli import main

main()
