"""What can go wrong, as exceptions.

    Exception
    ├─ ValueError                 an argument cannot be right; the text says what would be
    │  └─ ColumnTypeError         a column's type is none that can be stored (a TypeError, too)
    ├─ UnauthorizedError          the token is not known, or does not allow this
    └─ Error
       ├─ UnknownCodeError        an answer that was not expected
       ├─ DuplicateIdError        the device id is registered already
       ├─ RefusedError            the server refused readings for good        .status, .code, .stored_rows
       ├─ NotSentError            no answer in time; what was not sent is kept (a ConnectionError, too)
       ├─ NoDeviceError           there is no device id yet
       ├─ SpoolFullError          as much waits as may, and the policy is to refuse
       ├─ SpoolError              the spool's folder or the id's file cannot be used (an OSError, too)
       ├─ ForkedError             the client belongs to the parent of this process
       └─ ClosedError             the client was closed
"""


class ColumnTypeError(ValueError, TypeError):
    """The type of a table's column is none that can be stored. The text says which, and what would be right."""


class UnauthorizedError(Exception):
    """The token is missing, not known to the server, or does not allow what was asked."""

    def __init__(self, value="the server does not accept the token"):
        super().__init__(value)

    @staticmethod
    def noTokenSet():
        """The error of a call that needs a token and has none."""
        return UnauthorizedError("no token is set; give one that may do this")


class Error(Exception):
    """Something went wrong between this program and the server."""

    def __init__(self, value=""):
        super().__init__(value)


class UnknownCodeError(Error):
    """The server gave an answer that was not expected: its status and what it said are in the text."""

    def __init__(self, req):
        if isinstance(req, str):
            super().__init__(req)
            return
        self.status = req.getResponseCode()
        self.code = req.getApiErrorCode()
        super().__init__("the server answered {} where a success was expected; it said: {}".format(self.status, _said(req)))


def _said(req):
    """What an answer says of an error: what is wrong, then the kind of error it is."""
    error = req.getApiError()
    if not isinstance(error, dict):
        return error
    said = [str(error[part]) for part in ("details", "message") if error.get(part)]
    kind = "code {}".format(error.get("code"))
    return "{} ({})".format(said[0], ", ".join(said[1:] + [kind])) if said else kind


class DuplicateIdError(Error):
    """The device id is registered in this project already."""

    def __init__(self, value="the device id is registered already; choose another, or use registerOrSetId"):
        super().__init__(value)


class RefusedError(Error):
    """The server refused readings for good. Without a spool they are still in their store.

    Of a table (``write_frame``): ``stored_rows`` are stored, ``refused_rows`` are not, and ``not_stored`` are the ranges
    of rows that are not, as (first, one after the last). The same table written again is stored once.
    """

    status = None
    code = None
    stored_rows = None
    refused_rows = None
    waiting_rows = None
    not_stored = None


class NotSentError(Error, ConnectionError):
    """The server did not answer in time, or is too busy. What was not sent is kept for the next attempt.

    Of a table (``write_frame``): ``stored_rows`` are stored, and ``waiting_rows`` wait for the next ``send()``.
    """

    stored_rows = None
    waiting_rows = None


class NoDeviceError(Error):
    """Readings need a device: register it, or set the id of a registered one."""


class SpoolFullError(Error):
    """As much waits to be sent as may, and the policy is to refuse."""


class SpoolError(Error, OSError):
    """The spool's folder, or the file of the device id, cannot be used."""


class ForkedError(Error):
    """The client was built before this process was forked off its parent, and is the parent's."""


class ClosedError(Error):
    """The client was closed."""
