"""A build back end that only tells pip a source package's metadata.

`pip download` runs a source package's build back end just to read its name and version, which
can mean minutes of configuring and code of the package running on this machine. tools/setup
wants nothing but the archive's bytes, so it puts this folder in front of the real back ends.
"""

from email.parser import Parser
from pathlib import Path


def get_requires_for_build_wheel(config_settings=None):
    return []


def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    text = Path("PKG-INFO").read_text(encoding="utf-8")
    fields = Parser().parsestr(text)
    folder = Path(metadata_directory) / f"{fields['Name']}-{fields['Version']}.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(text, encoding="utf-8")
    return folder.name


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    raise RuntimeError("this back end only tells metadata; it builds nothing")
