"""Which vertebrae a record is about: read from codes of every edition, from body sites and from words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from rules.reasoning.code_tables import CodeTable, read_rows
from rules.reasoning.code_systems import CodeSystems
from rules.reasoning.errors import KnowledgeError
from rules.reasoning.timeline import Code
from rules.reasoning.vertebrae import LEVELS, named_in, span

__all__ = ["LEVELS", "REGIONS", "SpineSites", "at_or_above_t4", "in_thoracolumbar", "levels", "same_or_new", "sites"]
