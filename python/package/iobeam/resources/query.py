"""Questions for readings."""

import numbers

from iobeam.resources.data import Timestamp, TimeUnit
from iobeam.utils import utils

__all__ = ["Query", "TimeUnit"]


def _given(value, what, kind, wanted):
    """Whether a value is given; ValueError when it is not of its kind."""
    if value is None:
        return False
    if isinstance(value, bool) or not isinstance(value, kind):
        raise ValueError("{} must be {}, not {!r}".format(what, wanted, value))
    return True


class Query:
    """Which readings: of a project, a device or all, a series or all, and further narrowed step by step.

    Each step returns the query. A step that is given None does nothing.
    """

    def __init__(self, projectId, deviceId=None, seriesName=None, timeUnit=TimeUnit.MILLISECONDS):
        utils.checkValidProjectId(projectId)
        if deviceId is not None:
            utils.checkValidDeviceId(deviceId)
        if seriesName is not None:
            utils._checkText(seriesName, "series name")
        if not isinstance(timeUnit, TimeUnit):
            raise ValueError("the unit must be a TimeUnit, as TimeUnit.SECONDS")
        self._pid = projectId
        self._did = deviceId
        self._series = seriesName
        self._timeUnit = timeUnit
        self._params = {}
        if timeUnit is not TimeUnit.MILLISECONDS:
            self._params["timefmt"] = timeUnit.value

    def getUrl(self):
        """``<project>/<device or all>/<series or all>``."""
        return "{}/{}/{}".format(self._pid, self._did or "all", self._series or "all")

    def getParams(self):
        """The parameters so far."""
        return self._params

    def limit(self, limit):
        """The newest points only, so many of each series."""
        if _given(limit, "the limit", numbers.Integral, "an int above 0"):
            if limit <= 0:
                raise ValueError("the limit must be above 0, and {} is not".format(limit))
            self._params["limit"] = int(limit)
        return self

    def _milliseconds(self, time, what):
        if time is None:
            return None
        if isinstance(time, Timestamp):
            return time.asMilliseconds()
        if hasattr(time, "tzinfo"):
            return Timestamp(time).asMilliseconds()
        _given(time, what, numbers.Integral, "an int, a Timestamp or an aware datetime")
        return Timestamp(int(time), self._timeUnit).asMilliseconds()

    def fromTime(self, time):
        """Readings of that time and later."""
        moment = self._milliseconds(time, "the time")
        if moment is not None:
            self._params["from"] = moment
        return self

    def toTime(self, time):
        """Readings of that time and earlier."""
        moment = self._milliseconds(time, "the time")
        if moment is not None:
            self._params["to"] = moment
        return self

    def inTimeRange(self, start, end):
        """Readings between two times."""
        first = self._milliseconds(start, "the start")
        last = self._milliseconds(end, "the end")
        if first is not None and last is not None and last < first:
            raise ValueError("the end {!r} lies before the start {!r}".format(end, start))
        return self.fromTime(start).toTime(end)

    def _value(self, name, value):
        if _given(value, "the value", numbers.Real, "a number"):
            whole = isinstance(value, numbers.Integral)
            self._params[name] = int(value) if whole else float(value)
        return self

    def lessThan(self, value):
        """Values below this one."""
        return self._value("less_than", value)

    def greaterThan(self, value):
        """Values above this one."""
        return self._value("greater_than", value)

    def inValueRange(self, min, max):  # noqa: A002 - the names are part of the interface
        """Values between two, both left out."""
        least = _given(min, "the least value", numbers.Real, "a number")
        most = _given(max, "the largest value", numbers.Real, "a number")
        if least and most and max < min:
            raise ValueError("the largest value {!r} is below the least {!r}".format(max, min))
        return self.greaterThan(min).lessThan(max)

    def equals(self, value):
        """Values equal to this one."""
        return self._value("equals", value)

    get_url = getUrl
    get_params = getParams
    from_time = fromTime
    to_time = toTime
    in_time_range = inTimeRange
    less_than = lessThan
    greater_than = greaterThan
    in_value_range = inValueRange

    def __repr__(self):
        return "<Query {} {}>".format(self.getUrl(), self._params)
