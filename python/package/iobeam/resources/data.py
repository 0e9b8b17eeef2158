"""Readings: times, values, and what they are collected in.

``Timestamp`` and ``DataStore`` are made of Rust: they are what a program touches for each reading.
"""

import enum
import math
import numbers
import time as clock

from iobeam import _native
from iobeam.utils import utils


class TimeUnit(enum.Enum):
    """What the number of a Timestamp counts."""

    MILLISECONDS = "msec"
    MICROSECONDS = "usec"
    SECONDS = "sec"


Timestamp = _native.Timestamp
DataStore = _native.DataStore


class DataPoint:
    """A number and the time at which it was measured."""

    __slots__ = ("_timestamp", "_value")

    def __init__(self, value, timestamp=None):
        """``timestamp``: a Timestamp, an int of milliseconds, an aware datetime, or None for now."""
        if isinstance(value, bool) or not isinstance(value, numbers.Real):
            raise ValueError("the value must be an int or a float, not {!r}".format(value))
        if timestamp is None:
            timestamp = Timestamp(clock.time_ns() // 1000, TimeUnit.MICROSECONDS)
        elif not isinstance(timestamp, Timestamp):
            timestamp = Timestamp(timestamp)
        self._value = value
        self._timestamp = timestamp

    def toDict(self):
        """The time in microseconds, and the value."""
        return {"time": self._timestamp.asMicroseconds(), "value": self._value}

    to_dict = toDict

    def __eq__(self, other):
        if not isinstance(other, DataPoint):
            return NotImplemented
        return self._value == other._value and self._timestamp == other._timestamp

    def __hash__(self):
        return hash((self._timestamp, self._value))

    def __str__(self):
        return "DataPoint{{timestamp: {}, value: {}}}".format(self._timestamp.asMicroseconds(), self._value)

    def __repr__(self):
        return "DataPoint({!r}, {!r})".format(self._value, self._timestamp)


class DataSeries:
    """Points that belong to one name."""

    def __init__(self, name, points):
        if name is None:
            raise ValueError("a series needs a name")
        self._name = name
        self._points = [] if points is None else list(points)

    def __len__(self):
        return len(self._points)

    def getName(self):
        """The series' name."""
        return self._name

    def getPoints(self):
        """The series' points."""
        return self._points

    get_name = getName
    get_points = getPoints

    def __str__(self):
        return "DataSeries{{name: {}, len: {}}}".format(self._name, len(self))

    def __repr__(self):
        return "<DataSeries {!r} of {} points>".format(self._name, len(self))


def makeUniformDataSeries(seriesName, startTime, endTime, values):
    """A series of values spread evenly from a start to an end, both in milliseconds; the last is at the end.

    Without values it is an empty series. None when name, start or end is missing, a time is not an int, or the end is not
    after the start.
    """
    if any(each is None for each in (seriesName, startTime, endTime)):
        return None
    for moment in (startTime, endTime):
        if isinstance(moment, bool) or not isinstance(moment, int):
            return None
    if endTime <= startTime:
        return None
    values = [] if values is None else list(values)
    if len(values) == 1:
        return DataSeries(seriesName, [DataPoint(values[0], startTime)])
    gaps = max(len(values) - 1, 1)
    length = endTime - startTime
    times = [startTime + length * at // gaps for at in range(len(values))]
    return DataSeries(
        seriesName, [DataPoint(value, moment) for value, moment in zip(values, times)]
    )


make_uniform_data_series = makeUniformDataSeries


def isMissing(value):
    """Whether a value is none: None, NaN, NaT, pandas' NA."""
    if value is None:
        return True
    if isinstance(value, float):
        return math.isnan(value)
    return type(value).__name__ in ("NAType", "NaTType")


# For programs that look for the checks where the data is.
checkValidSeriesName = utils.checkValidSeriesName
