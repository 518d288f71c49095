"""`python -m entrypoints.simulators.openai`."""

import sys

from entrypoints.simulators.openai.main import main

sys.exit(main())
