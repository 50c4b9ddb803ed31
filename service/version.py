"""The version of the software, apart from that of the knowledge."""

from __future__ import annotations

from importlib.metadata import version

SOFTWARE_VERSION = version("reboundwatch")
