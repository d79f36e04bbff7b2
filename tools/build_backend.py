"""The build backend: setuptools, with the browser's files built before a wheel, an sdist or an editable install."""

import shutil
import sys
from pathlib import Path

from setuptools import build_meta
from setuptools.build_meta import (
    get_requires_for_build_editable,
    get_requires_for_build_sdist,
    get_requires_for_build_wheel,
    prepare_metadata_for_build_editable,
    prepare_metadata_for_build_wheel,
)

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tools import build_assets

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_editable",
    "prepare_metadata_for_build_wheel",
]

Settings = dict[str, str | list[str] | None] | None


def build_wheel(wheel_directory: str, config_settings: Settings = None, metadata_directory: str | None = None) -> str:
    """PEP 517's hook; returns the wheel's file name."""
    build_assets.build()
    # setuptools keeps what an earlier build left here, and would pack that build's hashed files too.
    shutil.rmtree("build/lib/web/static", ignore_errors=True)
    return str(build_meta.build_wheel(wheel_directory, config_settings, metadata_directory))


def build_sdist(sdist_directory: str, config_settings: Settings = None) -> str:
    """PEP 517's hook; the sdist has the built files, so that installing it needs no npm."""
    build_assets.build()
    return str(build_meta.build_sdist(sdist_directory, config_settings))


def build_editable(
    wheel_directory: str, config_settings: Settings = None, metadata_directory: str | None = None
) -> str:
    """PEP 660's hook."""
    build_assets.build()
    return str(build_meta.build_editable(wheel_directory, config_settings, metadata_directory))
