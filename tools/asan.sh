#!/usr/bin/env bash
# Passes the engine's own tests with durable_rules under the address sanitizer: a wrong read shows in no result.
# Needs the development environment and gcc with its sanitizer library. Arguments replace the tests.
set -euo pipefail
cd "$(dirname "$0")/.."

python="$PWD/.venv/bin/python"
build="$PWD/build/asan"
tests=(tests/unit/reasoning tests/unit/test_denosumab_state.py tests/unit/test_fracture_class.py
  tests/property)
[ $# -eq 0 ] || tests=("$@")

say() { printf '== %s\n' "$*"; }
fail() { printf 'asan: %s\n' "$*" >&2; exit 1; }

command -v gcc >/dev/null || fail "gcc is missing. Debian: apt-get install build-essential"
library=$(gcc -print-file-name=libasan.so)
[ -e "$library" ] || fail "gcc has no address sanitizer library. Debian: apt-get install build-essential"

say "durable_rules from its source, hash-checked against requirements/runtime.txt"
rm -rf "$build"
mkdir -p "$build/source" "$build/site"
awk '/^[a-zA-Z]/ {on = /^durable-rules==/} on && !/# via/ {print}' requirements/runtime.txt >"$build/requirement.txt"
grep -q -- '--hash=sha256:' "$build/requirement.txt" || fail "requirements/runtime.txt holds no hash of durable-rules"
"$python" -m pip download --quiet --disable-pip-version-check --no-cache-dir --no-deps --no-binary durable-rules \
  --require-hashes --dest "$build" -r "$build/requirement.txt"
tar -xzf "$build"/durable_rules-*.tar.gz -C "$build/source" --strip-components 1

say "built with -fsanitize=address"
ending=$("$python" -c 'import sysconfig; print(sysconfig.get_config_var("EXT_SUFFIX"))')
headers=$("$python" -c 'import sysconfig; print(sysconfig.get_paths()["include"])')
module="$build/site/durable_rules_engine$ending"
gcc -shared -fPIC -std=c99 -D_GNU_SOURCE -g -O1 -fno-omit-frame-pointer -fsanitize=address -w \
  -I"$build/source/src/rules" -I"$headers" \
  "$build/source/src/rulespy/rules.c" "$build"/source/src/rules/{json,rete,state,events,regex}.c -o "$module"

# The sanitizer writes its reports to files, so that one of a forked child or a test's own process is seen too.
watched() {
  LD_PRELOAD="$library" PYTHONMALLOC=malloc PYTHONPATH="$build/site:$PWD" \
    ASAN_OPTIONS="detect_leaks=0:abort_on_error=0:exitcode=86:log_path=$build/report" "$@"
}

loaded=$(watched "$python" -c 'import durable_rules_engine; print(durable_rules_engine.__file__)')
[ "$loaded" = "$module" ] || fail "the tests would run with $loaded, not with $module"

say "the sanitizer sees a wrong read when there is one"
if watched "$python" tools/wrong_read.py >/dev/null 2>&1; then fail "a wrong read went unseen: nothing is proved"; fi
ls "$build"/report.* >/dev/null 2>&1 || fail "a wrong read was not reported: nothing is proved"
rm -f "$build"/report.*

say "the engine's tests"
status=0
watched "$python" -m pytest -p no:cacheprovider "${tests[@]}" || status=$?
for report in "$build"/report.*; do
  [ -e "$report" ] || continue
  cat "$report" >&2
  status=86
done
[ "$status" -eq 0 ] || fail "not clean (status $status)"
say "clean: no report of the address sanitizer"
