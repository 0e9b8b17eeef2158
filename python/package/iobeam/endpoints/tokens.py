"""Calls about tokens."""

import re

from iobeam.endpoints import service
from iobeam.http import request
from iobeam.utils import utils

_DURATION = re.compile(r"\s*[+-]?[0-9]+\s*[wdhms]\Z")


def _checkDuration(duration):
    if not isinstance(duration, str) or not _DURATION.match(duration):
        raise ValueError(
            "the duration {!r} cannot be used: give a whole number and one of w, d, h, m, s, as 5w".format(
                duration
            )
        )


class TokenService(service.EndpointService):
    """Fetches and refreshes project tokens."""

    def __init__(self, requester=None):
        super().__init__(None, requester=requester)

    def getProjectToken(self, userToken, projectId, duration=None, options=None):
        """A new project token, by a user's token.

        ``duration``: as ``5w``, with w, d, h, m or s. ``options``: read, write, admin, refreshable, device_id.
        """
        utils.checkValidProjectId(projectId)
        r = self.requester().get(self.makeEndpoint("tokens/project")).token(userToken)
        r.setParam("project_id", projectId)
        if duration is not None:
            _checkDuration(duration)
            r.setParam("duration", duration)
        if options is not None:
            if not isinstance(options, dict):
                raise ValueError("the options must be a dict, as {\"read\": True}")
            for name, value in options.items():
                r.setParam(name, value)
        return self._token(r)

    def refreshToken(self, oldToken):
        """A new token in place of an old one, which stays as good as it was."""
        utils.checkValidProjectToken(oldToken)
        r = self.requester().post(self.makeEndpoint("tokens/project"))
        return self._token(r.setBody({"refresh_token": oldToken}))

    def _token(self, r):
        r.execute()
        if r.getResponseCode() != 200:
            raise request.UnknownCodeError(r)
        return r.getResponse()["token"]
