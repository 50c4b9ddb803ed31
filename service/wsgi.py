"""The production entry: `gunicorn -c service/gunicorn.conf.py service.wsgi:app` makes one application a worker."""

from __future__ import annotations

import gc
import sys

from rules.reasoning.errors import KnowledgeError
from service.app import create_app
from service.cds_hooks.problems import NotReady
from service.clients import ClientsError
from service.settings import SettingsError, read_settings

_NEW_OBJECTS = 20_000
"""Objects after which garbage is looked for: those of several hook calls, which hold next to no cycles."""

_APPLICATION_FAILED = 4
"""The status on which gunicorn stops altogether instead of trying again for ever."""

try:
    app = create_app(read_settings())
except (SettingsError, KnowledgeError, ClientsError, NotReady) as error:
    sys.stderr.write(f"nothing is served: {error}\n")
    sys.exit(_APPLICATION_FAILED)

app.extensions["memory"].start()

# What a worker built once it never frees: no later collection of garbage need look at it.
gc.collect()
gc.freeze()
gc.set_threshold(_NEW_OBJECTS, 20, 50)
