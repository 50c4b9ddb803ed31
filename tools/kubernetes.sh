#!/usr/bin/env bash
# Puts kubernetes-validate, which brings the schemas of the Kubernetes API, into an environment of its own.
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/downloading.sh
tool=build/kubernetes/bin/kubernetes-validate
if [ ! -x "$tool" ]; then
  python3 -m venv build/kubernetes
  downloading build/kubernetes/bin/pip install --quiet --disable-pip-version-check kubernetes-validate==1.37.0
fi
exec "$tool" --version
