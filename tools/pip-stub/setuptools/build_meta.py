import sys

from metadata_only import *  # noqa: F401,F403

# The name under which pip calls setuptools for a package without pyproject.toml.
__legacy__ = sys.modules[__name__]
