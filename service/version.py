"""The versions of the software and of the knowledge, which change apart from each other."""

from __future__ import annotations

from importlib.metadata import version

from rules.knowledge_base import FOLDER

SOFTWARE_VERSION = version("reboundwatch")
KNOWLEDGE_VERSION = (FOLDER / "VERSION").read_text(encoding="utf-8").strip()
