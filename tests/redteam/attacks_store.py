"""T16: the key service's own store as a DBA sees it: he cannot open it, and when somebody gives him the file, no row
that he has edited is served."""

import os
import random

from application import EMAIL
from attacks_reading import files_below, scan
from report import Outcome
from service import fork_as, wait_until
from store_tamper_test import LATE_TABLES, Store, changed
from world import AS_ROOT

OPENED, DENIED = 20, 21


def store_edits(world, most):
    """At most so many edits, one a column of a table, each of a store of its own."""
    outcome = Outcome("T16", "the key service's files are read; rows of its stopped store are edited, column by "
                      "column, then it is started")
    service = world.service
    if AS_ROOT:
        outcome.secret_if(fork_as(world.cluster.uid, lambda: _opens(service.data / "store.db")) != DENIED,
                          "the store's file, by the database's user")
    _read_files(world, outcome)
    service.stop()
    store = Store(service.data / "store.db")
    store.keep()
    places = [(table, column) for table in store.tables() if table not in LATE_TABLES and store.rows(table)
              for column, _ in store.columns(table)]
    noticed = 0
    for table, column in random.sample(places, min(most, len(places))):
        row = store.rows(table)[0]
        store.update(table, row, column, changed(row[column]))
        state = _state_after_start(service)
        outcome.secret_if(state == "unsealed", f"a service over an edited {table}.{column}")
        noticed += state != "unsealed"
        service.stop()
        store.restore()
    outcome.notice(f"the service refuses the store, {noticed} times", noticed)
    outcome.control("the store as it was is served", _state_after_start(service) == "unsealed" and
                    world.application.read(EMAIL, [1])[0][1] is not None)
    return [outcome]


def _read_files(world, outcome):
    """Whoever has them, or a copy. Paths of secrets are in clear."""
    world.service.ok("secret", "put", f"dash/{world.plain.value()}", stdin=world.secret.value())
    scan(world, outcome, "the key service's store, key journal and audit log", files_below(world.service.data))


def _opens(path):
    try:
        with open(path, "rb"):
            return OPENED
    except PermissionError:
        return DENIED


def _state_after_start(service):
    """What it says of itself; "refused" when it ends."""
    if service.uid is not None:
        for folder, _, names in os.walk(service.data):
            for path in (folder, *(os.path.join(folder, name) for name in names)):
                os.chown(path, service.uid, service.uid)
    size = service.log_file.stat().st_size
    service.spawn()
    wait_until(lambda: service.process.poll() is not None or b" serving on " in service.log_since(size),
               "cofferd starts or ends")
    return service.state() if service.process.poll() is None else "refused"
