"""Stands in for meson-python while pip downloads; see ../metadata_only.py."""

from metadata_only import *  # noqa: F401,F403
