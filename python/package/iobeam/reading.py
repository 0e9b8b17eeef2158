"""Readings back: what a client asks the platform."""

from . import _native
from .endpoints import exports
from .endpoints import tokens
from .http import request
from .resources import answer
from .resources import query
from .utils import utils


# What GET /v1/data takes beside the time format.
_PARAMETERS = ("limit", "time", "where", "operator", "group_by", "limit_by", "limit_periods")


def _parameters(params):
    """The values of a question's parameters, as JSON has them."""
    if params is None:
        return []
    if isinstance(params, (str, bytes, dict, set, frozenset)) or not hasattr(params, "__iter__"):
        raise ValueError("params must be a list with a value for each of $1, $2, ..., as [{!r}]".format(params))
    return [_native.parameter(value) for value in params]


class Reading:
    """The half of a client that asks. The other gives it ``_options`` and ``projectToken``."""

    def _requester(self):
        return request.getRequester(self._options.get("backend"), self._options.get("tls_ca"))

    def data(self, field=None, namespace="input", timefmt="usec", device_id=None, **params):
        """The newest rows of a namespace, as an Answer. Parameters are those of ``GET /v1/data``: limit, time, where, ...

        ``device_id``: rows of that device alone. Other fields are compared with ``where``: ``where="ge(temperature,20)"``.
        """
        for name in params:
            if name not in _PARAMETERS:
                raise ValueError(
                    "data() has no parameter {0!r}; it has device_id, {1}. To compare the field {0!r}, say"
                    " where=\"eq({0},...)\"".format(name, ", ".join(_PARAMETERS))
                )
        if device_id is not None:
            utils.checkValidDeviceId(device_id)
            where = params.get("where") or []
            where = [where] if isinstance(where, str) else list(where)
            params["where"] = where + ["eq(device_id,{})".format(device_id)]
        r = self._get("data/{}/{}".format(namespace, field or "all"))
        r.setParam("timefmt", timefmt)
        for name, value in params.items():
            if value is not None:
                r.setParam(name, value)
        return self._answer(r, timefmt)

    def sql(self, question, params=None, timefmt="usec"):
        """The answer to a SQL question, as an Answer. ``params``, a list, fill ``$1``, ``$2`` and so on: numbers, bools, texts,
        None, dates, and times as ``add`` takes them (aware datetimes, Timestamps).
        """
        requester = self._requester()
        r = requester.post(requester.makeEndpoint("sql")).token(self.projectToken)
        r.setParam("timefmt", timefmt)
        r.setBody({"query": question, "params": _parameters(params)})
        return self._answer(r, timefmt)

    def sql_arrow(self, question, params=None):
        """The answer to a SQL question as a pyarrow.Table, without a detour through JSON."""
        import pyarrow

        requester = self._requester()
        r = requester.post(requester.makeEndpoint("sql")).token(self.projectToken)
        r.setParam("format", "arrow")
        r.setBody({"query": question, "params": _parameters(params)}).execute()
        if r.getResponseCode() != 200:
            raise request.UnknownCodeError(r)
        table = pyarrow.ipc.open_stream(r.getResponseBytes()).read_all()
        return table.rename_columns(answer.distinct(table.column_names))

    def _get(self, path):
        requester = self._requester()
        return requester.get(requester.makeEndpoint(path)).token(self.projectToken)

    @staticmethod
    def _answer(r, timefmt):
        r.execute()
        if r.getResponseCode() != 200:
            raise request.UnknownCodeError(r)
        return answer.Answer.of(r.getResponse(), timefmt, r.getResponseBytes())

    @staticmethod
    def query(token, qry, backend=None):
        """The answer to a QueryReq, as a dictionary (an Answer), whatever the server said."""
        if token is None:
            raise ValueError("a query needs a token that may read")
        if not isinstance(qry, query.Query):
            raise ValueError("the query must be a QueryReq, not {!r}".format(qry))
        return exports.ExportService(token, request.getRequester(backend)).getData(qry)

    @staticmethod
    def fetchToken(userToken, projectId, duration=None, options=None, backend=None):
        """A new project token, by a user's token."""
        if userToken is None:
            raise ValueError("a token is fetched with a user's token, and none is given")
        service = tokens.TokenService(request.getRequester(backend))
        return service.getProjectToken(userToken, projectId, duration=duration, options=options)

    fetch_token = fetchToken
