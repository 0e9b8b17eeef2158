"""The client: a device's end of the platform.

    createDataStore ─▶ DataStore ─ add ─▶ send ─▶ the platform
    addDataPoint ────▶ series    ───────┘         │
    status, rejected ◀────────────────────────────┘          data, sql, query ◀─ reading
"""

import asyncio
import functools
import threading
import time

from . import _native
from . import lifecycle
from . import reading
from . import rejected
from . import series
from . import status
from .endpoints import tokens
from .errors import ForkedError
from .errors import NoDeviceError
from .errors import RefusedError
from .resources import data
from .resources import frames
from .utils import utils

# Without a spool a program waits for send(): it hears of a server that is away soon.
_SEND_TIMEOUT = 10.0
_CLOSE_TIMEOUT = 5.0


def _names(columns):
    """The names of columns as a list; None when none are named."""
    if isinstance(columns, str):
        raise ValueError("columns must be a list of names, as [{!r}]".format(columns))
    return None if columns is None else [str(name) for name in columns]


class Client(series.Series, rejected.Rejected, reading.Reading):
    """A device's end of the platform. ``ClientBuilder`` makes it.

    It may be used by several threads. As a context manager it sends what it holds when the block ends.
    """

    def __init__(self, projectId, projectToken, **options):
        self.projectId = projectId
        self._token = projectToken
        self._options = options
        # Rows go into the Rust client at once when it keeps or sends them by itself.
        self._direct = not any(
            options.get(name) is not None for name in ("spool", "auto_send", "auto_send_rows")
        )
        if self._direct:
            options.setdefault("send_timeout", _SEND_TIMEOUT)
        # What happens while nobody waits for it.
        options.setdefault("log", utils.getLogger().log)
        utils.tokenClaims(projectToken)
        # One that ends soon is refreshed at once, as programs know it. A device that may be offline does it when it sends.
        if utils.isExpiredToken(projectToken) and self._direct:
            self._token = tokens.TokenService(self._requester()).refreshToken(projectToken)
        self._stores = []
        self._begin_series()
        self._make_locks()
        self._forked = False
        self._core = _native.Client(int(projectId), self._token, options)
        self._known = self._core.device_id
        lifecycle.watch(self)

    def _make_locks(self):
        # Held for moments, while lists are looked at.
        self._lock = threading.RLock()
        # Held while the server is spoken with; taken before the other.
        self._sending = threading.Lock()

    @property
    def _rust(self):
        """The native client; in a forked child one of its own, if it may have one."""
        if not self._forked:
            return self._core
        with self._lock:
            if self._forked and not self._direct:
                raise ForkedError(
                    "this client was built before the process forked, and its spool is the parent's; build one in the"
                    " child, with a spool of its own"
                )
            if self._forked:
                options = dict(self._options, device_id=self._known)
                options.pop("register", None)
                self._core = _native.Client(int(self.projectId), self._token, options)
                self._forked = False
        return self._core

    @property
    def projectToken(self):
        """The token in use: another than the one given once that was refreshed."""
        if not self._rust.closed:
            self._token = self._rust.project_token
        return self._token

    project_token = projectToken

    @property
    def project_id(self):
        """The project's number."""
        return self.projectId

    @property
    def backend(self):
        """The server's base URL."""
        return self._rust.backend

    # The device.

    def registerDevice(self, deviceId=None, deviceName=None, setOnDupe=False):
        """Registers the device, unless it has this id (or, when none is given, any id) already.

        DuplicateIdError when the id is taken and ``setOnDupe`` is False; UnauthorizedError when the token does not do.
        """
        if deviceId is not None:
            utils.checkValidDeviceId(deviceId)
        self._known = self._rust.register_device(deviceId, deviceName, setOnDupe)
        return self

    def setDeviceId(self, deviceId):
        """The device has this id from now on."""
        utils.checkValidDeviceId(deviceId)
        self._rust.set_device_id(deviceId)
        self._known = deviceId

    def getDeviceId(self):
        """The device's id; None when there is none."""
        return self._rust.device_id

    def isRegistered(self):
        """Whether the device has an id."""
        return self.getDeviceId() is not None

    # Readings in.

    def createDataStore(self, columns, device=None):
        """A store for columns that are measured together. The same columns are the same store.

        ``device``: another device's id, for a relay.
        """
        with self._lock:
            for store, owner in self._stores:
                if owner == device and store.hasSameColumns(columns):
                    return store
            store = data.DataStore(columns)
            self._track(store, device)
            return store

    def addDataStore(self, store):
        """Sends the rows of that store, too."""
        if store is None:
            utils.getLogger().warning("there is no store to add: it is None")
            return
        if not isinstance(store, data.DataStore):
            raise ValueError("the store must be a DataStore, not {!r}".format(store))
        with self._lock:
            if not any(known is store for known, _ in self._stores):
                self._track(store, None)

    def _track(self, store, device):
        if device is not None:
            utils.checkValidDeviceId(device)
        if not self._direct:
            self._rust.attach(store, device)
        self._stores.append((store, device))

    def write_frame(
        self,
        frame,
        time="time",
        *,
        unit=None,
        tz=None,
        columns=None,
        device=None,
        device_column=None,
        namespace="input",
        wait=True,
        timeout=None,
        deduplicate=True,
    ):
        """Writes a table: of pandas, polars, pyarrow, duckdb, or a dictionary of arrays or lists. Returns its rows' number.

        ``time``: the column of the rows' times: aware datetimes, or whole numbers and a ``unit``. ``tz="UTC"``: datetimes and
        dates without a zone are in UTC. ``columns``: those to store, if not all. ``device``, ``device_column``: whose rows these
        are, if not this device's. Named levels of a pandas frame's index are columns. ``wait=False``: return when the client
        has them; they are sent by ``send()`` or the background.

        When it raises, ``stored_rows`` of the error says how many rows are stored, and the same call again stores each row
        once: also from another process. ``deduplicate=False`` stores a table again that was stored before.
        """
        if tz not in (None, "UTC", "utc"):
            raise ValueError("tz can only be \"UTC\"; convert the column for other zones, as dt.tz_localize(...) does")
        options = {
            "time": time,
            "unit": unit,
            "utc": tz is not None,
            "columns": _names(columns),
            "device": device,
            "device_column": device_column,
            "namespace": namespace,
        }
        table, whole = frames.prepared(frame, time, options["columns"])
        options["whole"] = whole
        options["deduplicate"] = deduplicate
        if namespace == "input" and device is None and device_column is None:
            self._device()
        rows, repeated = self._rust.write_frame(table, options, wait, timeout)
        if repeated:
            utils.getLogger().warning(
                "%d of the %d rows were stored before, and are stored once; deduplicate=False stores them again",
                repeated,
                rows,
            )
        return rows

    # Readings out to the server.

    def send(self, timeout=None):
        """Sends everything, and returns True. Raises when something was not stored; what was not accepted is kept.

        ``timeout``: how long to try, in seconds.
        """
        _native.refuse_inside()
        with self._sending:
            with self._lock:
                self._collect_series()
                stores = [(store, device) for store, device in self._stores if len(store)]
                series = self._series_stores()
            if self._direct:
                self._send_stores(stores, series, timeout)
            else:
                for name, store in series:
                    self._rust.attach(store)
                    self._forget_series(name, store)
                self._rust.send(timeout)
        return True

    def _send_stores(self, stores, series, timeout):
        ends = None if timeout is None else time.monotonic() + timeout

        def left():
            return None if ends is None else max(ends - time.monotonic(), 0)

        # What a former attempt left under way comes first, also when its store is gone.
        self._rust.finish_store(left())
        # What is refused does not keep the others waiting.
        refused = []
        for store, device in stores:
            try:
                self._rust.send_store(store, device or self._device(), left())
            except RefusedError as error:
                refused.append(error)
        for name, store in series:
            try:
                if len(store):
                    self._rust.send_store(store, self._device(), left())
                self._forget_series(name, store)
            except RefusedError as error:
                refused.append(error)
        # Tables that were written without waiting.
        if self._rust.status()["waiting_rows"]:
            self._rust.send(left())
        if refused:
            raise refused[0]

    def _device(self):
        device = self.getDeviceId()
        if device is None:
            raise NoDeviceError(
                "readings need a device: call registerDevice(), or setDeviceId() with a registered one"
            )
        return device

    async def send_async(self, timeout=None):
        """``send()`` for asyncio: the loop goes on meanwhile."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(None, self.send, timeout)

    async def write_frame_async(self, frame, time="time", **options):
        """``write_frame()`` for asyncio."""
        loop = asyncio.get_running_loop()
        work = functools.partial(self.write_frame, frame, time, **options)
        return await loop.run_in_executor(None, work)

    def flush(self):
        """Puts all rows into the spool: on its disk when this returns."""
        self._rust.flush()

    def status(self):
        """How the client is doing."""
        known = self._rust.status()
        if self._direct:
            # Rows of a store that are under way wait in the client, too, and count once.
            held = sum(len(store) // len(store.columns()) for store, _ in self._stores)
            held += self._series_rows()
            known["collected_rows"] += max(held - self._rust.under_way_rows, 0)
        return status.Status(**known)

    def now(self):
        """The time as a Timestamp: the server's, if the client takes it from there."""
        return data.Timestamp(self._rust.now(), data.TimeUnit.MICROSECONDS)

    def close(self, timeout=None):
        """Sends for a while, and ends. What was not sent is in the spool; without one, NotSentError says so."""
        if self._rust.closed:
            return
        _native.refuse_inside()
        timeout = self._options.get("close_timeout") if timeout is None else timeout
        timeout = _CLOSE_TIMEOUT if timeout is None else timeout
        try:
            now = self.status()
            if self._dataset or (self._direct and now.collected_rows + now.waiting_rows):
                self.send(timeout)
        finally:
            self._let_go()
            self._rust.close(timeout)

    def _let_go(self):
        """Stores hold no part of the client any more, so that another may have its spool."""
        if not self._direct:
            for store, _ in self._stores:
                self._rust.detach(store)

    async def close_async(self, timeout=None):
        """``close()`` for asyncio."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, self.close, timeout)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if kind is None:
            self.close()
            return
        try:
            self.close()
        except Exception as failed:  # the block's own exception is the one to see
            utils.getLogger().warning("the client could not send all it held: %s", failed)

    async def __aenter__(self):
        return self

    async def __aexit__(self, kind, error, trace):
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, self.__exit__, kind, error, trace)

    def __repr__(self):
        return "<Client of project {}, device {}>".format(
            self.projectId, "closed" if self._rust.closed else self.getDeviceId()
        )

    register_device = registerDevice
    set_device_id = setDeviceId
    get_device_id = getDeviceId
    is_registered = isRegistered
    create_data_store = createDataStore
    add_data_store = addDataStore

    def _leave(self):
        """The program ends: a spool has everything; what stands in stores alone is said to be lost."""
        if self._forked or self._rust.closed:
            return
        rows = self.status().collected_rows if self._direct else 0
        if rows:
            utils.getLogger().warning(
                "the program ends with %d rows that were not sent; call send() or close(), or set a spool", rows
            )
        self._let_go()
        self._rust.leave()

    def _after_fork(self):
        """In a child: what the parent holds the parent sends. Without a spool the child gets a client of its own."""
        self._make_locks()
        if self._core.closed:
            return
        self._core.forget_after_fork()
        self._forked = True
        if self._direct:
            for store, _ in self._stores:
                store.clear()
            self._begin_series()
