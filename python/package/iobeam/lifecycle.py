"""The end of the program, and forks: what becomes of the clients that there are."""

import atexit
import os
import weakref

from . import _native
from .utils import utils

_CLIENTS = weakref.WeakSet()


def watch(client):
    """This client is to be told."""
    _CLIENTS.add(client)


@atexit.register
def _at_exit():
    """No thread may call into an interpreter that is gone, and none is waited for for long."""
    _native.stop_listening()
    for client in list(_CLIENTS):
        try:
            client._leave()
        except Exception as error:  # the program is ending, whatever this is
            utils.getLogger().warning("a client could not end in order: %s", error)


if hasattr(os, "register_at_fork"):

    def _after_fork_in_child():
        for client in list(_CLIENTS):
            client._after_fork()

    os.register_at_fork(after_in_child=_after_fork_in_child)
