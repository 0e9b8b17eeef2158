"""The client, and everything that programs take from ``iobeam.iobeam``.

    ClientBuilder ─ build() ─▶ Client ─ createDataStore ─▶ DataStore ─ add
                                 └ send, query, status, close
"""

import asyncio
import atexit
import dataclasses
import functools
import os
import threading
import time
import typing
import weakref

from . import _native
from .endpoints import exports
from .endpoints import tokens
from .errors import ForkedError
from .errors import NoDeviceError
from .http import request
from .resources import answer
from .resources import data
from .resources import frames
from .resources import query
from .utils import utils

DataStore = data.DataStore
DataPoint = data.DataPoint
DataSeries = data.DataSeries
Timestamp = data.Timestamp
TimeUnit = data.TimeUnit
QueryReq = query.Query

# Without a spool a program waits for send(): it hears of a server that is away soon.
_SEND_TIMEOUT = 10.0
_CLOSE_TIMEOUT = 5.0


@dataclasses.dataclass(frozen=True)
class Status:
    """How a client is doing, at one moment."""

    #: Rows that were added and are in no batch yet, in stores or in memory.
    collected_rows: int
    #: Batches that wait to be sent, the rows in them, and the bytes they take.
    waiting_batches: int
    waiting_rows: int
    waiting_bytes: int
    #: How long the oldest of them waits, in seconds.
    oldest_seconds: typing.Optional[float]
    #: Rows that the server stored since the client was built.
    sent_rows: int
    #: When it last did, in microseconds since 1970.
    last_sent: typing.Optional[int]
    #: What went wrong last; forgotten once something is sent.
    last_error: typing.Optional[str]
    #: Batches and rows that the server refused for good since the client was built.
    rejected_batches: int
    rejected_rows: int
    #: Rows dropped because as many waited as may.
    dropped_rows: int
    #: What was found amiss when the spool was opened.
    spool_damage: typing.List[str]
    #: How far the device's clock is behind the server's, in microseconds, once that was learnt.
    clock_behind: typing.Optional[int]


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

_CLIENTS = weakref.WeakSet()


class Client:
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
        utils.tokenClaims(projectToken)
        # One that ends soon is refreshed at once, as programs know it. A device that may be offline does it when it sends.
        if utils.isExpiredToken(projectToken) and self._direct:
            self._token = tokens.TokenService(self._requester()).refreshToken(projectToken)
        self._stores = []
        # What addDataPoint collects: points by their series.
        self._dataset = {}
        self._legacy = {}
        self._make_locks()
        self._forked = False
        self._core = _native.Client(int(projectId), self._token, options)
        self._known = self._core.device_id
        _CLIENTS.add(self)

    def _make_locks(self):
        # Held for moments, while lists are looked at.
        self._lock = threading.RLock()
        # Held while the server is spoken with; taken before the other.
        self._sending = threading.Lock()

    @property
    def _native(self):
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

    def _requester(self):
        return request.getRequester(self._options.get("backend"), self._options.get("tls_ca"))

    @property
    def projectToken(self):
        """The token in use: another than the one given once that was refreshed."""
        if not self._native.closed:
            self._token = self._native.project_token
        return self._token

    project_token = projectToken

    @property
    def project_id(self):
        """The project's number."""
        return self.projectId

    @property
    def backend(self):
        """The server's base URL."""
        return self._native.backend

    # The device.

    def registerDevice(self, deviceId=None, deviceName=None, setOnDupe=False):
        """Registers the device, unless it has this id (or, when none is given, any id) already.

        DuplicateIdError when the id is taken and ``setOnDupe`` is False; UnauthorizedError when the token does not do.
        """
        if deviceId is not None:
            utils.checkValidDeviceId(deviceId)
        self._known = self._native.register_device(deviceId, deviceName, setOnDupe)
        return self

    def setDeviceId(self, deviceId):
        """The device has this id from now on."""
        utils.checkValidDeviceId(deviceId)
        self._native.set_device_id(deviceId)
        self._known = deviceId

    def getDeviceId(self):
        """The device's id; None when there is none."""
        return self._native.device_id

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
            store = DataStore(columns)
            self._track(store, device)
            return store

    def addDataStore(self, store):
        """Sends the rows of that store, too."""
        if store is None:
            utils.getLogger().warning("there is no store to add: it is None")
            return
        if not isinstance(store, DataStore):
            raise ValueError("the store must be a DataStore, not {!r}".format(store))
        with self._lock:
            if not any(known is store for known, _ in self._stores):
                self._track(store, None)

    def _track(self, store, device):
        if device is not None:
            utils.checkValidDeviceId(device)
        if not self._direct:
            self._native.attach(store, device)
        self._stores.append((store, device))

    def addDataPoint(self, seriesName, datapoint):
        """Adds a point to a series. Equal points of a series count once."""
        if not isinstance(seriesName, str) or not seriesName:
            raise ValueError("the series name must be a str that is not empty, not {!r}".format(seriesName))
        if not isinstance(datapoint, DataPoint):
            utils.getLogger().warning("%r is no DataPoint and was left out", datapoint)
            return
        with self._lock:
            self._dataset.setdefault(seriesName, {})[datapoint] = None

    def addDataSeries(self, dataseries):
        """Adds the points of a DataSeries."""
        if not isinstance(dataseries, DataSeries):
            raise ValueError("give a DataSeries, not {!r}".format(dataseries))
        if len(dataseries) == 0:
            utils.getLogger().warning("the series %r has no points", dataseries.getName())
            return
        for point in dataseries.getPoints():
            self.addDataPoint(dataseries.getName(), point)

    def clearSeries(self, seriesName):
        """Forgets the points of a series."""
        with self._lock:
            self._dataset.pop(seriesName, None)
            self._legacy.pop(seriesName, None)

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
    ):
        """Writes a table: of pandas, polars, pyarrow, or a dictionary of numpy arrays or lists. Returns its rows' number.

        ``time``: the column of the rows' times: aware datetimes, or int64 and a ``unit``. ``tz="UTC"``: datetimes without
        a zone are in UTC. ``columns``: those to store, if not all. ``device``, ``device_column``: whose rows these are, if not
        this device's. ``wait=False``: return when the client has them; they are sent by ``send()`` or the background.
        """
        if tz not in (None, "UTC", "utc"):
            raise ValueError("tz can only be \"UTC\"; convert the column for other zones, as dt.tz_localize(...) does")
        options = {
            "time": time,
            "unit": unit,
            "utc": tz is not None,
            "columns": None if columns is None else list(columns),
            "device": device,
            "device_column": device_column,
            "namespace": namespace,
        }
        if namespace == "input" and device is None and device_column is None:
            self._device()
        return self._native.write_frame(frames.prepared(frame), options, wait, timeout)

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
                series = list(self._legacy.items())
            if self._direct:
                self._send_stores(stores, series, timeout)
            else:
                for name, store in series:
                    self._native.attach(store)
                    self._forget_series(name, store)
                self._native.send(timeout)
        return True

    def _collect_series(self):
        """Makes a store of each series, which is kept until it was sent."""
        for name, points in self._dataset.items():
            store = self._legacy.setdefault(name, DataStore([name]))
            for point in points:
                row = point.toDict()
                store.add(Timestamp(row["time"], TimeUnit.MICROSECONDS), {name: row["value"]})
        self._dataset = {}

    def _forget_series(self, name, store):
        """The series was handed on, or sent. Points that came meanwhile are not in it."""
        with self._lock:
            if self._legacy.get(name) is store:
                del self._legacy[name]

    def _send_stores(self, stores, series, timeout):
        ends = None if timeout is None else time.monotonic() + timeout

        def left():
            return None if ends is None else max(ends - time.monotonic(), 0)

        # What a former attempt left under way comes first, also when its store is gone.
        self._native.finish_store(left())
        for store, device in stores:
            self._native.send_store(store, device or self._device(), left())
        for name, store in series:
            if len(store):
                self._native.send_store(store, self._device(), left())
            self._forget_series(name, store)
        # Tables that were written without waiting.
        if self._native.status()["waiting_rows"]:
            self._native.send(left())

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
        self._native.flush()

    def status(self):
        """How the client is doing."""
        known = self._native.status()
        if self._direct:
            # Rows of a store that are under way wait in the client, too, and count once.
            held = sum(len(store) // len(store.columns()) for store, _ in self._stores)
            held += sum(len(store) for store in self._legacy.values())
            held += sum(len(points) for points in self._dataset.values())
            known["collected_rows"] += max(held - self._native.under_way_rows, 0)
        return Status(**known)

    def rejected(self):
        """The batches that the server refused for good, as dictionaries that say why."""
        return self._native.rejected()

    def now(self):
        """The time as a Timestamp: the server's, if the client takes it from there."""
        return Timestamp(self._native.now(), TimeUnit.MICROSECONDS)

    def close(self, timeout=None):
        """Sends for a while, and ends. What was not sent is in the spool; without one, NotSentError says so."""
        if self._native.closed:
            return
        _native.refuse_inside()
        timeout = self._options.get("close_timeout") if timeout is None else timeout
        timeout = _CLOSE_TIMEOUT if timeout is None else timeout
        try:
            status = self.status()
            if self._dataset or (self._direct and status.collected_rows + status.waiting_rows):
                self.send(timeout)
        finally:
            self._let_go()
            self._native.close(timeout)

    def _let_go(self):
        """Stores hold no part of the client any more, so that another may have its spool."""
        if not self._direct:
            for store, _ in self._stores:
                self._native.detach(store)

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
            self.projectId, "closed" if self._native.closed else self.getDeviceId()
        )

    # Readings back.

    def data(self, field=None, namespace="input", timefmt="usec", **params):
        """The newest rows of a namespace, as an Answer. Parameters are those of ``GET /v1/data``: limit, time, where, ..."""
        r = self._get("data/{}/{}".format(namespace, field or "all"))
        r.setParam("timefmt", timefmt)
        for name, value in params.items():
            r.setParam(name, value)
        return self._answer(r, timefmt)

    def sql(self, question, params=None, timefmt="usec"):
        """The answer to a SQL question, as an Answer. ``params`` fill ``$1``, ``$2`` and so on."""
        requester = self._requester()
        r = requester.post(requester.makeEndpoint("sql")).token(self.projectToken)
        r.setParam("timefmt", timefmt)
        r.setBody({"query": question, "params": list(params or [])})
        return self._answer(r, timefmt)

    def sql_arrow(self, question, params=None):
        """The answer to a SQL question as a pyarrow.Table, without a detour through JSON."""
        import pyarrow

        requester = self._requester()
        r = requester.post(requester.makeEndpoint("sql")).token(self.projectToken)
        r.setParam("format", "arrow")
        r.setBody({"query": question, "params": list(params or [])}).execute()
        if r.getResponseCode() != 200:
            raise request.UnknownCodeError(r)
        return pyarrow.ipc.open_stream(r.getResponseBytes()).read_all()

    def _get(self, path):
        requester = self._requester()
        return requester.get(requester.makeEndpoint(path)).token(self.projectToken)

    @staticmethod
    def _answer(r, timefmt):
        r.execute()
        if r.getResponseCode() != 200:
            raise request.UnknownCodeError(r)
        return answer.Answer.of(r.getResponse(), timefmt)

    @staticmethod
    def query(token, qry, backend=None):
        """The answer to a QueryReq, as a dictionary (an Answer), whatever the server said."""
        if token is None:
            raise ValueError("a query needs a token that may read")
        if not isinstance(qry, QueryReq):
            raise ValueError("the query must be a QueryReq, not {!r}".format(qry))
        return exports.ExportService(token, request.getRequester(backend)).getData(qry)

    @staticmethod
    def fetchToken(userToken, projectId, duration=None, options=None, backend=None):
        """A new project token, by a user's token."""
        if userToken is None:
            raise ValueError("a token is fetched with a user's token, and none is given")
        service = tokens.TokenService(request.getRequester(backend))
        return service.getProjectToken(userToken, projectId, duration=duration, options=options)

    register_device = registerDevice
    set_device_id = setDeviceId
    get_device_id = getDeviceId
    is_registered = isRegistered
    create_data_store = createDataStore
    add_data_store = addDataStore
    add_data_point = addDataPoint
    add_data_series = addDataSeries
    clear_series = clearSeries
    fetch_token = fetchToken

    def _leave(self):
        """The program ends: a spool has everything; what stands in stores alone is said to be lost."""
        if self._forked or self._native.closed:
            return
        rows = self.status().collected_rows if self._direct else 0
        if rows:
            utils.getLogger().warning(
                "the program ends with %d rows that were not sent; call send() or close(), or set a spool", rows
            )
        self._let_go()
        self._native.leave()

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
            self._dataset = {}
            self._legacy = {}


# The name that programs of old know the class by.
_Client = Client


def makeQuery(token, qry, backend=None):
    """The answer to a QueryReq, as a dictionary (an Answer)."""
    return Client.query(token, qry, backend)


def fetchDeviceToken(userToken, projectId, deviceId, duration=None, options=None, backend=None):
    """A project token that is bound to a device: with it, readings can be sent as that device alone."""
    if options is not None and not isinstance(options, dict):
        raise ValueError("the options must be a dict, as {\"read\": True}")
    options = dict(options or {})
    options["device_id"] = deviceId
    return Client.fetchToken(userToken, projectId, duration, options, backend)


make_query = makeQuery
fetch_device_token = fetchDeviceToken


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
