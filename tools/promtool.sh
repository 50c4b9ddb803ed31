#!/usr/bin/env bash
# Puts Debian's promtool into build/prometheus, without installing it; the tests of deploy/ then check with it.
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/downloading.sh
tool=build/prometheus/usr/bin/promtool
[ -x "$tool" ] && exec "$tool" --version
mkdir -p build/prometheus
cd build/prometheus
downloading apt-get download prometheus
dpkg -x prometheus_*.deb .
exec usr/bin/promtool --version
