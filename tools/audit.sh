#!/usr/bin/env bash
# Asks the database of known vulnerabilities about requirements/runtime.txt and what screening on a cluster adds.
# Exit status: 0 none known; 1 some are, and are named; 3 could not be checked, which is no "none".
set -uo pipefail
cd "$(dirname "$0")/.."
unchecked=3
tool=build/audit/bin/pip-audit
if [ ! -x "$tool" ]; then
  if ! { python3 -m venv build/audit \
    && build/audit/bin/pip install --quiet --disable-pip-version-check 'pip-audit>=2.7,<3'; }; then
    echo "audit: could not be checked: pip-audit cannot be installed" >&2
    exit $unchecked
  fi
fi

report=build/audit/report.json
rm -f "$report"
"$tool" --require-hashes --disable-pip --requirement requirements/spark.txt --vulnerability-service "${1:-osv}" \
  --timeout 20 --progress-spinner off --format json --output "$report" 2>build/audit/log
status=$?
python3 - "$report" "$status" <<'READ'
import json
import sys
from pathlib import Path

report, status = Path(sys.argv[1]), int(sys.argv[2])
try:
    dependencies = json.loads(report.read_text(encoding="utf-8"))["dependencies"]
except (OSError, ValueError, KeyError):
    print("audit: could not be checked; build/audit/log says why", file=sys.stderr)
    sys.exit(3)
skipped = [one["name"] for one in dependencies if "skip_reason" in one]
found = [(one["name"], one["version"], flaw["id"]) for one in dependencies for flaw in one.get("vulns", [])]
for name, version, flaw in found:
    print(f"{name} {version}: {flaw}")
if found:
    sys.exit(1)
if skipped or not dependencies or status:
    print(f"audit: could not be checked in full: {', '.join(skipped) or 'nothing was looked at'}", file=sys.stderr)
    sys.exit(3)
print(f"{len(dependencies)} packages, no known vulnerability")
READ
