"""Readings back: what a client asks the platform."""

from .endpoints import exports
from .endpoints import tokens
from .http import request
from .resources import answer
from .resources import query


class Reading:
    """The half of a client that asks. The other gives it ``_options`` and ``projectToken``."""

    def _requester(self):
        return request.getRequester(self._options.get("backend"), self._options.get("tls_ca"))

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
