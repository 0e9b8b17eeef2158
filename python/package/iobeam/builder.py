"""Puts a client together: steps as the original had them, and options by name."""

import os

from .client import Client
from .http import request
from .utils import utils

_OPTIONS = frozenset(
    (
        "spool",
        "spool_limit",
        "when_full",
        "auto_send",
        "auto_send_rows",
        "on_event",
        "tls_ca",
        "timeout",
        "send_timeout",
        "close_timeout",
        "clock_from_server",
        "mark_clock",
    )
)


class ClientBuilder:
    """Puts a client together. Each step returns the builder; ``build()`` returns the client.

    Beside the steps, by name:

    ``spool``: a folder in which readings wait until the server has them; they survive crash, reboot and a week offline.
    ``spool_limit``: how many bytes may wait (64 MiB). ``when_full``: "refuse", "drop_oldest" or "drop_newest".
    ``auto_send``: send in the background, so often, in seconds. ``auto_send_rows``: as soon as so many rows wait.
    ``on_event``: called with a dictionary when the background sent, failed, or a batch was refused.
    ``tls_ca``: trust the certificates in this PEM file alone. ``timeout``: of a request, in seconds (60).
    ``send_timeout``: how long ``send()`` tries (10 s; 60 s with a spool). ``close_timeout``: how long the end may take (5 s).
    ``clock_from_server``, ``mark_clock``: for devices whose clock is not to be trusted.
    """

    def __init__(self, projectId, projectToken, *, backend=None, **options):
        utils.checkValidProjectId(projectId)
        utils.checkValidProjectToken(projectToken)
        unknown = set(options) - _OPTIONS
        if unknown:
            raise TypeError(
                "ClientBuilder has no option {}; it has {}".format(
                    ", ".join(sorted(unknown)), ", ".join(sorted(_OPTIONS))
                )
            )
        self._projectId = projectId
        self._projectToken = projectToken
        self._options = dict(options)
        if backend is not None:
            self.setBackend(backend)

    def saveToDisk(self, path="."):
        """Keeps the device id in ``<path>/iobeam_device_id``, and takes it from there next time."""
        self._options["save_to"] = os.fspath(path)
        return self

    def setDeviceId(self, deviceId):
        """The device has this id, and was registered elsewhere."""
        utils.checkValidDeviceId(deviceId)
        self._options["device_id"] = deviceId
        return self

    def registerDevice(self, deviceId=None, deviceName=None):
        """Registers the device in ``build()``, unless it has this id (or, when none is given, any id) already."""
        if deviceId is not None:
            utils.checkValidDeviceId(deviceId)
        self._options["register"] = (deviceId, deviceName, False)
        return self

    def registerOrSetId(self, deviceId, deviceName=None):
        """Registers the device in ``build()``; an id that is registered already is taken over."""
        utils.checkValidDeviceId(deviceId)
        self._options["register"] = (deviceId, deviceName, True)
        return self

    def setBackend(self, baseUrl):
        """The server's base URL, as ``https://iot.example/v1/``."""
        self._options["backend"] = request.baseUrlOf(baseUrl)
        return self

    def spool(self, path, limit=None, when_full=None):
        """Keeps readings in that folder until the server has them."""
        self._options["spool"] = path
        if limit is not None:
            self._options["spool_limit"] = limit
        if when_full is not None:
            self._options["when_full"] = when_full
        return self

    def autoSend(self, every=None, rows=None):
        """Sends in the background: every so many seconds, or as soon as so many rows wait."""
        if (every is None) == (rows is None):
            raise ValueError("say either how often (every, in seconds) or at how many rows (rows)")
        self._options["auto_send"] = every
        self._options["auto_send_rows"] = rows
        return self

    def build(self):
        """The client. A device that is to be registered is, and a token that ends within a day is refreshed."""
        return Client(self._projectId, self._projectToken, **self._options)

    save_to_disk = saveToDisk
    set_device_id = setDeviceId
    register_device = registerDevice
    register_or_set_id = registerOrSetId
    set_backend = setBackend
    auto_send = autoSend
