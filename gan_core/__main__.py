"""``python -m gan_core``: the command line."""

import sys

from gan_core.cli import main

sys.exit(main())
