"""`diffinterface.neutral.special` by the name that it had before the folders."""

import sys

from .neutral import special

sys.modules[__name__] = special
