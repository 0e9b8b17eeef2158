"""HTTP requests to one backend, and what came of them."""

import json

from iobeam import _native
from iobeam.errors import Error, UnauthorizedError, UnknownCodeError
from iobeam.utils import utils

__all__ = [
    "ERROR_CODE_DUPLICATE_DEVICE_ID",
    "Error",
    "Request",
    "Requester",
    "UnauthorizedError",
    "UnknownCodeError",
    "getRequester",
]

ERROR_CODE_DUPLICATE_DEVICE_ID = 150

_REQUESTERS: dict = {}


def baseUrlOf(url):
    """The base URL, with ``/v1/`` at its end. ValueError when it is none.

    A host without a scheme is reached by http on the local network, and by https elsewhere.
    """
    if not isinstance(url, str) or not url.strip():
        raise ValueError("the backend must be a URL, as https://iot.example/v1/")
    return _native.base_url(url)


class Requester:
    """Makes requests to one backend, over connections that are kept and used again."""

    def __init__(self, baseUrl=None, tls_ca=None):
        self._baseUrl = _native.default_backend() if baseUrl is None else baseUrlOf(baseUrl)
        self._session = _native.Http(tls_ca=tls_ca)

    def makeEndpoint(self, endpoint):
        """The full URL of a path below ``/v1/``."""
        return self._baseUrl + endpoint

    def get(self, url):
        """A GET request, to be filled in and executed."""
        return Request("GET", url, self._session)

    def post(self, url):
        """A POST request, to be filled in and executed."""
        return Request("POST", url, self._session)


def getRequester(url=None, tls_ca=None):
    """The requester of a backend; the same one each time. Without a URL: the default backend's."""
    base = _native.default_backend() if url is None else baseUrlOf(url)
    key = (base, tls_ca and str(tls_ca))
    if key not in _REQUESTERS:
        _REQUESTERS[key] = Requester(base, tls_ca=tls_ca)
    return _REQUESTERS[key]


class Request:
    """One request: filled in step by step, then executed. Each step returns the request."""

    def __init__(self, method, url, session):
        self.method = method
        self.url = url
        self.headers = {"User-Agent": "iobeam python"}
        self.params = {}
        self.body = None
        self.resp = None
        self._session = session

    def header(self, key, value):
        """Sets a header."""
        self.headers[key] = value
        return self

    def token(self, token):
        """Sets the token that the request is made with."""
        return self.header("Authorization", "Bearer {}".format(token))

    def setBody(self, body):
        """Sets the body: anything that can be JSON."""
        self.body = body
        return self

    def setParam(self, key, value):
        """Sets a parameter of the URL."""
        self.params[key] = value
        return self

    def execute(self):
        """Sends the request and waits for the answer. ConnectionError when there is none."""
        self.resp = None
        if self.method not in ("GET", "POST", "DELETE", "PATCH", "PUT"):
            utils.getLogger().warning("the method %s is not known", self.method)
            return
        headers = [(str(key), str(value)) for key, value in self.headers.items()]
        params = [
            (str(key), _text(each))
            for key, value in self.params.items()
            for each in (value if isinstance(value, (list, tuple)) else [value])
        ]
        body = None
        if self.body is not None:
            headers.append(("Content-Type", "application/json"))
            body = json.dumps(self.body, allow_nan=False).encode()
        self.resp = self._session.request(self.method, self.url, params, headers, body)

    def getResponse(self):
        """The answer's JSON; None when there is none."""
        if self.resp is None:
            return None
        try:
            return json.loads(self.resp[2])
        except ValueError:
            return None

    def getResponseBytes(self):
        """The answer's bytes."""
        return b"" if self.resp is None else self.resp[2]

    def getResponseCode(self):
        """The answer's status; None before there is one."""
        return None if self.resp is None else self.resp[0]

    def getApiError(self):
        """The first error that the answer names; None when it names none."""
        answer = self.getResponse()
        try:
            return answer["errors"][0]
        except (KeyError, IndexError, TypeError):
            return None

    def getApiErrorCode(self):
        """The number of that error."""
        error = self.getApiError()
        return error.get("code") if isinstance(error, dict) else None


def _text(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
