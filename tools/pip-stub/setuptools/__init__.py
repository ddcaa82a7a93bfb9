"""Stands in for setuptools while pip downloads; see ../metadata_only.py."""
