"""iobeam: send readings from devices to a data platform, and lose none.

    from iobeam import iobeam

    client = iobeam.ClientBuilder(PROJECT_ID, PROJECT_TOKEN).saveToDisk().registerDevice().build()
    conditions = client.createDataStore(["temperature", "humidity"])
    conditions.add(iobeam.Timestamp(now), {"temperature": 21.5, "humidity": 40})
    client.send()
"""

from . import _native
from . import iobeam
from .errors import (
    ClosedError,
    ColumnTypeError,
    DuplicateIdError,
    Error,
    ForkedError,
    NoDeviceError,
    NotSentError,
    RefusedError,
    SpoolError,
    SpoolFullError,
    UnauthorizedError,
    UnknownCodeError,
)

__version__ = _native.__version__

Client = iobeam.Client
ClientBuilder = iobeam.ClientBuilder
DataStore = iobeam.DataStore
DataPoint = iobeam.DataPoint
DataSeries = iobeam.DataSeries
Timestamp = iobeam.Timestamp
TimeUnit = iobeam.TimeUnit
QueryReq = iobeam.QueryReq
Status = iobeam.Status
makeQuery = iobeam.makeQuery
make_query = iobeam.makeQuery
fetchDeviceToken = iobeam.fetchDeviceToken
fetch_device_token = iobeam.fetchDeviceToken

__all__ = [
    "Client",
    "ClientBuilder",
    "ClosedError",
    "ColumnTypeError",
    "DataPoint",
    "DataSeries",
    "DataStore",
    "DuplicateIdError",
    "Error",
    "ForkedError",
    "NoDeviceError",
    "NotSentError",
    "QueryReq",
    "RefusedError",
    "SpoolError",
    "SpoolFullError",
    "Status",
    "TimeUnit",
    "Timestamp",
    "UnauthorizedError",
    "UnknownCodeError",
    "fetchDeviceToken",
    "fetch_device_token",
    "iobeam",
    "makeQuery",
    "make_query",
]
