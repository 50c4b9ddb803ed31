#!/usr/bin/env bash
# Writes build/sbom.cdx.json, a CycloneDX bill of materials of what the image runs: requirements/runtime.txt.
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/downloading.sh
tool=build/sbom/bin/cyclonedx-py
if [ ! -x "$tool" ]; then
  python3 -m venv build/sbom
  downloading build/sbom/bin/pip install --quiet --disable-pip-version-check 'cyclonedx-bom>=7,<8'
fi
"$tool" requirements requirements/runtime.txt --pyproject pyproject.toml --output-reproducible \
  --output-format JSON --output-file build/sbom.cdx.json
python3 - <<'CHECK'
import json
from pathlib import Path

components = json.loads(Path("build/sbom.cdx.json").read_text(encoding="utf-8"))["components"]
names = {component["name"].lower() for component in components}
locked = {line.split("==")[0].lower() for line in Path("requirements/runtime.txt").read_text(encoding="utf-8").splitlines()
          if "==" in line and not line.startswith((" ", "#"))}
missing = sorted(locked - names)
if missing:
    raise SystemExit(f"sbom: not in it: {', '.join(missing)}")
print(f"build/sbom.cdx.json names {len(components)} components")
CHECK
