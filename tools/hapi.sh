#!/usr/bin/env bash
# Builds the FHIR server and the validator that tests/servers talks to: build/hapi, again only when their source changed.
set -Eeuo pipefail
cd "$(dirname "$0")/.."
. tools/downloading.sh

source=tests/servers/hapi
built=build/hapi

for tool in java mvn; do
  command -v "$tool" >/dev/null || { echo "$tool is missing. Debian: apt-get install default-jdk-headless maven"; exit 1; }
done

state=$(find "$source" -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum)
if [ -f "$built/.built-from" ] && [ "$(cat "$built/.built-from")" = "$state" ]; then
  exit 0
fi
rm -rf "$built"
downloading mvn -q -B -f "$source/pom.xml" package
# Last, so that a build that broke off is no build.
echo "$state" > "$built/.built-from"
