#!/usr/bin/env bash
# Puts Debian's promtool into build/prometheus, without installing it; the tests of deploy/ then check with it.
set -euo pipefail
cd "$(dirname "$0")/.."
tool=build/prometheus/usr/bin/promtool
[ -x "$tool" ] && exec "$tool" --version
mkdir -p build/prometheus
cd build/prometheus
apt-get download prometheus >download.log 2>&1 \
  || { echo "promtool: Debian's package prometheus cannot be downloaded (build/prometheus/download.log)" >&2; exit 1; }
dpkg -x prometheus_*.deb .
exec usr/bin/promtool --version
