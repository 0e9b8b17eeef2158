"""What the server refused for good, set aside beside the spool: looked at, mended, put back, dropped."""

from .resources import frames


class Rejected:
    """The part of a client that handles refused batches. The client gives it ``_rust``."""

    def rejected(self):
        """The batches that the server refused for good, as dictionaries that say why."""
        return self._rust.rejected()

    def rejected_rows(self, name):
        """The rows of a refused batch, as a dictionary of lists: ``time`` in microseconds, ``device_id``, each column."""
        return self._rust.rejected_rows(name)

    def resend(self, name, table=None):
        """Puts a refused batch back into the queue: as it was (once the platform was taught better), or with the rows of a
        table (once they were mended): what ``rejected_rows`` gave, or a frame with the columns ``time`` and ``device_id``.
        The next ``send()``, or the background, sends it.
        """
        self._rust.resend(name, None if table is None else frames.prepared(table)[0])

    def drop_rejected(self, name):
        """Removes a refused batch for good."""
        self._rust.drop_rejected(name)
