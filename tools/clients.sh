#!/usr/bin/env bash
# Installs the CDS clients by others that tests/clients calls with: build/medplum (Node), build/healthchain (Python).
# Again only when their lock changed. A new version of healthchain is locked like the requirements (see Makefile, lock):
#   uv pip compile --universal --generate-hashes --no-emit-index-url --no-header tests/clients/healthchain.in
set -Eeuo pipefail
cd "$(dirname "$0")/.."
. tools/downloading.sh

fresh() { # what was built, from what
  local state
  state=$(sha256sum "${@:2}")
  if [ -f "$1/.built-from" ] && [ "$(cat "$1/.built-from")" = "$state" ]; then return 0; fi
  rm -rf "$1"
  return 1
}

for tool in node npm python3.11; do
  command -v "$tool" >/dev/null || { echo "$tool is missing. Debian: apt-get install nodejs npm python3.11-venv"; exit 1; }
done

lock=(tests/clients/medplum/package.json tests/clients/medplum/package-lock.json)
if ! fresh build/medplum "${lock[@]}"; then
  mkdir -p build/medplum
  cp "${lock[@]}" build/medplum
  # It asks for a newer Node, which it needs for pages in a browser only; npm says so and goes on.
  downloading npm ci --prefix build/medplum --ignore-scripts --no-audit --no-fund --loglevel=error
  sha256sum "${lock[@]}" > build/medplum/.built-from
fi

lock=(tests/clients/healthchain.txt)
if ! fresh build/healthchain "${lock[@]}"; then
  python3.11 -m venv build/healthchain
  downloading build/healthchain/bin/pip install --quiet --disable-pip-version-check --require-hashes -r "${lock[@]}"
  sha256sum "${lock[@]}" > build/healthchain/.built-from
fi
