#!/usr/bin/env bash
# Starts compose.yaml on a Docker engine and uses it as a hospital would (tools/compose_smoke.py).
# Without a running engine one of its own is started. What no registry gives is built: the base image and this image by
# tools/image.sh, the images of PostgreSQL and nginx from Debian's packages, Docker's compose from its source.
# Ends with 3 when something cannot be had on this machine.
set -Eeuo pipefail
cd "$(dirname "$0")/.."
. tools/downloading.sh

work="$PWD/build/compose"
image="$PWD/build/image"
compose=github.com/docker/compose/v2/cmd@v2.29.7
say() { printf '== %s\n' "$*"; }
not_had() { printf 'compose.sh: could not be had: %s\n' "$*" >&2; exit "$NOT_HAD"; }

mkdir -p "$work"
# Sockets have short names, however deep this folder lies.
engine=$(mktemp -d /tmp/reboundwatch-engine.XXXXXX)
pid=""
stop() {
  if [ -n "$pid" ]; then kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; fi
  rm -rf "$engine"
}
trap stop EXIT

for tool in docker buildah; do
  command -v "$tool" >/dev/null || not_had "$tool is missing. Debian: apt-get install docker.io buildah"
done

# Debian's Docker comes without compose.
if ! docker compose version >/dev/null 2>&1; then
  plugin="$work/docker/cli-plugins/docker-compose"
  if [ ! -x "$plugin" ]; then
    command -v go >/dev/null || not_had "docker compose is missing, and Go to build it"
    say "docker compose is built from its source"
    mkdir -p "$work/go" "$work/docker/cli-plugins"
    GOBIN="$work/go" downloading go install -ldflags "-X github.com/docker/compose/v2/internal.Version=v2.29.7" "$compose"
    echo '{}' >"$work/docker/config.json"
    mv "$work/go/cmd" "$plugin"
  fi
  export DOCKER_CONFIG="$work/docker"
fi

if ! docker version >/dev/null 2>&1; then
  [ "$(id -u)" -eq 0 ] && command -v dockerd >/dev/null || not_had "no Docker engine runs, and none may be started here"
  say "a Docker engine of its own is started"
  rm -rf "$work/engine"
  mountpoint -q /sys/fs/cgroup || cgroupfs-mount 2>/dev/null || true
  dockerd --data-root "$work/engine" --exec-root "$engine/exec" --pidfile "$engine/pid" \
    --host "unix://$engine/docker.sock" >"$work/engine.log" 2>&1 &
  pid=$!
  export DOCKER_HOST="unix://$engine/docker.sock"
  for _ in $(seq 60); do
    docker version >/dev/null 2>&1 && break
    kill -0 "$pid" 2>/dev/null || { tail -5 "$work/engine.log" >&2; not_had "the engine does not start here"; }
    sleep 1
  done
fi

say "this image"
[ -d "$image/storage" ] || tools/image.sh >/dev/null
storage=(--root "$image/storage" --runroot "$image/run" --storage-driver vfs)
give() { # from the storage of buildah to the engine
  buildah "${storage[@]}" push --quiet "$1" "docker-archive:$engine/image.tar:$2" >/dev/null
  docker load --quiet --input "$engine/image.tar" | sed 's/^/   /'
  rm "$engine/image.tar"
}
give reboundwatch reboundwatch:latest
docker run --rm --network none reboundwatch:latest true 2>"$work/run.log" \
  || { cat "$work/run.log" >&2; not_had "the engine cannot run a container here"; }

# NAME of compose.yaml, FILE to build it from where it cannot be pulled
have() {
  if docker image inspect "$1" >/dev/null 2>&1 || timeout 120 docker pull --quiet "$1" >/dev/null 2>&1; then return; fi
  # Nobody else's engine is given an image under a name that is not its own.
  [ -n "$pid" ] || not_had "$1 cannot be pulled"
  say "$1 cannot be pulled: one is built from Debian's packages"
  downloading buildah "${storage[@]}" bud --layers --isolation chroot --network host --format docker --pull-never \
    -t "stand-in-for-$2" -f "tools/stand_ins/$2.Dockerfile" tools/stand_ins
  give "stand-in-for-$2" "$1"
}
for name in $(sed -nE 's/^ *image: ((postgres|nginxinc)[^ ]*)$/\1/p' compose.yaml); do
  case $name in
    postgres:*) have "$name" postgresql ;;
    *) have "$name" nginx ;;
  esac
done

.venv/bin/python -m tools.compose_smoke
