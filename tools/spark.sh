#!/usr/bin/env bash
# An environment with Spark, build/spark, in which `reboundwatch screen --engine spark` runs; again only when the lock
# changed.
set -Eeuo pipefail
cd "$(dirname "$0")/.."
. tools/downloading.sh

command -v java >/dev/null || { echo "Java is missing. Debian: apt-get install default-jdk-headless"; exit 1; }
lock=(requirements/build.txt requirements/spark.txt)
state=$(sha256sum "${lock[@]}")
if [ -f build/spark/.built-from ] && [ "$(cat build/spark/.built-from)" = "$state" ]; then exit; fi
rm -rf build/spark
"${PYTHON:-.venv/bin/python}" -m venv build/spark
pip() { downloading build/spark/bin/pip install --quiet --disable-pip-version-check --require-hashes "$@"; }
pip -r requirements/build.txt
pip --no-build-isolation -r requirements/spark.txt
build/spark/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
echo "$state" > build/spark/.built-from
