"""`python -m morphogen`: the command line."""

import sys

from morphogen.cli.main import run

if __name__ == "__main__":  # worker processes import this file
    sys.exit(run())
