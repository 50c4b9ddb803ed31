# ReboundWatch as one small image: the compiler stays in the build stage.
#   docker build -t reboundwatch .
#   docker run --read-only --tmpfs /tmp -p 127.0.0.1:8080:8080 -e REBOUNDWATCH_CLIENTS_FILE=... reboundwatch
# Where images are kept for years, pin the base by its digest: --build-arg BASE=debian:bookworm-slim@sha256:...
# (`skopeo inspect` tells it). The tag alone brings Debian's security updates with each build.
ARG BASE=debian:bookworm-slim

FROM ${BASE} AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends gcc libc6-dev python3 python3-dev python3-venv \
 && rm -rf /var/lib/apt/lists/*
RUN python3 -m venv /opt/reboundwatch
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /source
COPY requirements/build.txt requirements/runtime.txt requirements/
RUN /opt/reboundwatch/bin/pip install --require-hashes -r requirements/build.txt \
 && /opt/reboundwatch/bin/pip install --require-hashes --no-build-isolation -r requirements/runtime.txt
COPY pyproject.toml README.md ./
COPY rules rules
COPY service service
# The engine must load and the whole knowledge base must hold together, or there is no image.
RUN /opt/reboundwatch/bin/pip install --no-deps --no-build-isolation . \
 && cd / \
 && /opt/reboundwatch/bin/reboundwatch rules >/dev/null \
 && /opt/reboundwatch/bin/pip uninstall --yes pip setuptools

FROM ${BASE}
LABEL org.opencontainers.image.title="ReboundWatch" \
      org.opencontainers.image.description="Clinical decision support for denosumab discontinuation and rebound-associated vertebral fractures" \
      org.opencontainers.image.vendor="ReboundWatch" \
      org.opencontainers.image.documentation="SECURITY.md and docs/operations.md of the source" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN apt-get update \
 && apt-get install -y --no-install-recommends python3 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin reboundwatch \
 && install --directory --owner=10001 --group=10001 --mode=0700 /var/lib/reboundwatch
COPY --from=build /opt/reboundwatch /opt/reboundwatch
# The image runs read-only: gunicorn's heartbeat and the metrics of its workers lie in /dev/shm, all else in /tmp. A
# volume at /var/lib/reboundwatch is for records that wait for the database (REBOUNDWATCH_SPOOL_DIR).
ENV PATH=/opt/reboundwatch/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    TZ=UTC
WORKDIR /tmp
USER 10001:10001
EXPOSE 8080
# Workers finish the calls that they have begun (gunicorn, graceful_timeout 30 s): stop with more patience than that.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
  CMD ["python3", "-c", "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ.get(\"REBOUNDWATCH_PORT\", 8080)}/health/live', timeout=4)"]
CMD ["reboundwatch", "serve", "--host", "0.0.0.0"]
