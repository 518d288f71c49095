"""`python -m entrypoints.simulators.meta`."""

import sys

from entrypoints.simulators.meta.main import main

sys.exit(main())
