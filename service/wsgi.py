"""The production entry: `gunicorn -c service/gunicorn.conf.py service.wsgi:app` makes one application a worker."""

from __future__ import annotations

import sys

from rules.reasoning.errors import KnowledgeError
from service.app import create_app
from service.cds_hooks.problems import NotReady
from service.clients import ClientsError
from service.settings import SettingsError, read_settings

_APPLICATION_FAILED = 4
"""The status on which gunicorn stops altogether instead of trying again for ever."""

try:
    app = create_app(read_settings())
except (SettingsError, KnowledgeError, ClientsError, NotReady) as error:
    sys.stderr.write(f"nothing is served: {error}\n")
    sys.exit(_APPLICATION_FAILED)
