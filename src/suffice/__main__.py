"""The command line as a module: `python -m suffice`."""

import sys

from suffice.cli import main

sys.exit(main())
