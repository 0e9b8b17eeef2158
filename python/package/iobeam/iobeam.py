"""Everything that programs take from ``iobeam.iobeam``; it lives in the modules named here.

    ClientBuilder ─ build() ─▶ Client ─ createDataStore ─▶ DataStore ─ add
                                 └ send, query, status, close
"""

from .builder import ClientBuilder
from .client import Client
from .http import request
from .resources import data
from .resources import query
from .status import Status

DataStore = data.DataStore
DataPoint = data.DataPoint
DataSeries = data.DataSeries
Timestamp = data.Timestamp
TimeUnit = data.TimeUnit
QueryReq = query.Query

# The name that programs of old know the class by.
_Client = Client

__all__ = [
    "Client",
    "ClientBuilder",
    "DataPoint",
    "DataSeries",
    "DataStore",
    "QueryReq",
    "Status",
    "TimeUnit",
    "Timestamp",
    "fetchDeviceToken",
    "fetch_device_token",
    "data",
    "makeQuery",
    "make_query",
    "query",
    "request",
]


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
