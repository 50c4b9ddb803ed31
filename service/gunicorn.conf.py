"""How gunicorn serves ReboundWatch in production; everything a site may change is in `service/settings.py`."""

import os
import shutil
import sys
import tempfile
from typing import Any

from service.observation.logs import log_configuration
from service.safety import refusals
from service.settings import SettingsError, read_settings

NOTHING_SERVED = 2
_METRICS = "PROMETHEUS_MULTIPROC_DIR"

try:
    _settings = read_settings()
except SettingsError as error:
    sys.stderr.write(f"{error}\n")
    sys.exit(NOTHING_SERVED)

_host = f"[{_settings.host}]" if ":" in _settings.host else _settings.host

wsgi_app = "service.wsgi:app"
bind = f"{_host}:{_settings.port}"
_cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
workers = _settings.workers or max(2, _cores)

# A thread for each call that waits, for a slow client or for the FHIR server of an EHR: neither may keep others, or the
# probes of an orchestrator, from an answer. Evaluations themselves take turns.
worker_class = "gthread"
threads = 32
timeout = 30
graceful_timeout = 30
keepalive = 5

# Each worker builds its own engine and passes the canary before it answers; none is inherited by a fork.
preload_app = False

# Insurance against what a C extension may leak over weeks; the jitter keeps workers from leaving together.
max_requests = 20_000
max_requests_jitter = 2_000

# Room for the longest token that is read, so that a longer one gets the same answer as any other that is refused.
limit_request_field_size = 24 * 1024

control_socket_disable = True
# In memory, where it may be written: the root of a container may not.
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None

logconfig_dict = log_configuration(_settings.log_format, _settings.log_level)


def on_starting(server: Any) -> None:
    """Refuse an address that may not be served, also one that was given on gunicorn's own command line."""
    hosts = [address[0] for address in server.address if isinstance(address, tuple)]
    found = dict.fromkeys(sentence for host in hosts for sentence in refusals(_settings, host))
    if found:
        sys.stderr.write("\n".join(found) + "\n")
        sys.exit(NOTHING_SERVED)
    os.environ[_METRICS] = tempfile.mkdtemp(prefix="reboundwatch-metrics-", dir=worker_tmp_dir)


def child_exit(server: Any, worker: Any) -> None:
    """What a worker that is gone counted still counts; what it is at does not."""
    # Imported after the folder is named: the library looks once.
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def on_exit(server: Any) -> None:
    """Leave no folder behind."""
    if _METRICS in os.environ:
        shutil.rmtree(os.environ[_METRICS], ignore_errors=True)
