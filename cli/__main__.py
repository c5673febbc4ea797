"""``python -m gradspec.cli``."""

import sys

from . import main

sys.exit(main())
