#!/usr/bin/env bash
# Builds the image from the Dockerfile with buildah, which needs no running engine, and tries it.
# Where no registry of images is reached, the Debian base is made by debootstrap from Debian's packages.
set -euo pipefail
cd "$(dirname "$0")/.."

base=debian:bookworm-slim
name=reboundwatch
work="$PWD/build/image"

say() { printf '== %s\n' "$*"; }
fail() { printf 'image: %s\n' "$*" >&2; exit 1; }
for tool in buildah debootstrap; do
  command -v "$tool" >/dev/null || fail "$tool is missing. Debian: apt-get install buildah debootstrap"
done

mkdir -p "$work"
storage=(--root "$work/storage" --runroot "$work/run" --storage-driver vfs)
# What pip needs on this machine to reach its registry is lent to the build: of it the image keeps empty
# mount points. The certificates lie elsewhere there, for the build stage installs its own.
lent=()
if [ -e /etc/pip.conf ]; then
  sed -E 's#^( *cert *= *).*#\1/lent/certificates#' /etc/pip.conf >"$work/pip.conf"
  lent+=(--volume "$work/pip.conf:/etc/pip.conf:ro")
  certificates=$(sed -nE 's#^ *cert *= *##p' /etc/pip.conf)
  [ -z "$certificates" ] || lent+=(--volume "$certificates:/lent/certificates:ro")
fi

if ! buildah "${storage[@]}" inspect --type image "$base" >/dev/null 2>&1 \
  && ! timeout 60 buildah "${storage[@]}" pull --quiet "$base" >/dev/null 2>&1; then
  say "the base image cannot be pulled: it is made by debootstrap"
  rm -rf "$work/rootfs"
  mkdir -p "$work/base"
  debootstrap --variant=minbase bookworm "$work/rootfs" >"$work/debootstrap.log" 2>&1 \
    || { tail -5 "$work/debootstrap.log"; fail "debootstrap failed"; }
  tar -C "$work/rootfs" --exclude='./proc/*' --exclude='./sys/*' -cf "$work/base/base.tar" .
  printf 'FROM scratch\nADD base.tar /\n' >"$work/base/Dockerfile"
  buildah "${storage[@]}" bud --isolation chroot -t "$base" "$work/base" >/dev/null 2>&1 || fail "no base image"
  rm -rf "$work/rootfs" "$work/base"
fi

say "built from the Dockerfile"
buildah "${storage[@]}" bud --isolation chroot --network host --format docker --pull-never "${lent[@]}" \
  -t "$name" . >"$work/build.log" 2>&1 || { tail -20 "$work/build.log"; fail "the build failed"; }

container=$(buildah "${storage[@]}" from --pull-never "$name")
trap 'buildah "${storage[@]}" rm "$container" >/dev/null 2>&1 || true' EXIT
inside() { buildah "${storage[@]}" run --isolation chroot "$container" -- "$@"; }

say "no compiler, no package installer, not root, nothing of it can be written"
inside sh -c '
  for tool in cc gcc ld make pip pip3; do
    if command -v "$tool"; then echo "$tool is in the image"; exit 1; fi
  done
  [ "$(id -u)" -ne 0 ] || { echo "runs as root"; exit 1; }
  for place in / /etc /opt/reboundwatch /opt/reboundwatch/lib; do
    if touch "$place/written" 2>/dev/null; then echo "$place can be written"; exit 1; fi
  done
  [ "$(date +%Z)" = UTC ] || { echo "the time zone is not UTC"; exit 1; }'

say "the rules load"
inside reboundwatch rules | tail -1

if ! inside reboundwatch serve --help >/dev/null 2>&1; then
  say "nothing is served by this version: not tried"
  exit 0
fi
request="$PWD/fhir_fixtures/hooks/patient-view/five-fractures-ten-months-after-seven-doses.json"
health=$(buildah "${storage[@]}" inspect --type image "$name" \
  | python3 -c 'import json, sys; print(json.dumps(json.load(sys.stdin)["Docker"]["config"]["Healthcheck"]["Test"]))')
say "it serves: alive by its own health check, a critical card, an end under load that loses no call"
buildah "${storage[@]}" run --isolation chroot --env "HEALTHCHECK=$health" --volume "$request:/given/request.json:ro" \
  "$container" -- python3 - <tools/image_smoke.py
