"""What the classes of calls have in common: a token and a backend."""

from iobeam.http import request


class EndpointService:
    """Calls of one part of the API, with one token, at one backend."""

    def __init__(self, token, requester=None):
        self.token = token
        self._requester = request.getRequester() if requester is None else requester

    def requester(self):
        """What makes the requests."""
        return self._requester

    def makeEndpoint(self, endpoint):
        """The full URL of a path below ``/v1/``."""
        return self._requester.makeEndpoint(endpoint)

    def needToken(self):
        """UnauthorizedError unless there is a token."""
        if not self.token:
            raise request.UnauthorizedError.noTokenSet()

    def raiseUnknownCodeError(self, req):
        """Raises what an unexpected answer means."""
        raise request.UnknownCodeError(req)
