"""Points of series, as programs of old add them: kept by their series until they are sent, equal ones once."""

from .resources import data
from .utils import utils


class _Points:
    """Points of a series that were not collected yet."""

    def __init__(self):
        self.known = set()
        self.stores = []


class Series:
    """The part of a client that takes points. The client gives it ``_lock`` and ``_rust``."""

    def _begin_series(self):
        # What addDataPoint takes, by series: the points, and stores with a row for each.
        self._dataset = {}
        # Stores that are on their way, by series.
        self._legacy = {}

    def addDataPoint(self, seriesName, datapoint):
        """Adds a point to a series. Equal points of a series count once.

        ValueError when the series' name cannot be a field's, or the point's value cannot be stored.
        """
        if not isinstance(seriesName, str) or not seriesName:
            raise ValueError("the series name must be a str that is not empty, not {!r}".format(seriesName))
        if not isinstance(datapoint, data.DataPoint):
            utils.getLogger().warning("%r is no DataPoint and was left out", datapoint)
            return
        self._add_points(seriesName, [datapoint])

    def addDataSeries(self, dataseries):
        """Adds the points of a DataSeries: all of them, or none when one of them cannot be stored."""
        if not isinstance(dataseries, data.DataSeries):
            raise ValueError("give a DataSeries, not {!r}".format(dataseries))
        name = dataseries.getName()
        if not isinstance(name, str) or not name:
            raise ValueError("the series name must be a str that is not empty, not {!r}".format(name))
        if len(dataseries) == 0:
            utils.getLogger().warning("the series %r has no points", name)
            return
        points = []
        for point in dataseries.getPoints():
            if isinstance(point, data.DataPoint):
                points.append(point)
            else:
                utils.getLogger().warning("%r is no DataPoint and was left out", point)
        self._add_points(name, points)

    def _add_points(self, name, points):
        """Adds points of which each can be stored; raises before any is added."""
        for point in points:
            _put(data.DataStore([name]), name, point)
        with self._lock:
            held = self._dataset.setdefault(name, _Points())
            for point in points:
                if point not in held.known:
                    _put_into(held.stores, name, point)
                    held.known.add(point)

    def clearSeries(self, seriesName):
        """Forgets the points of a series."""
        with self._lock:
            self._dataset.pop(seriesName, None)
            self._legacy.pop(seriesName, None)

    def _collect_series(self):
        """What was added so far is on its way, and is kept until it was sent."""
        for name, points in self._dataset.items():
            self._legacy.setdefault(name, []).extend(points.stores)
        self._dataset = {}

    def _series_stores(self):
        """The stores on their way, each with the name of its series."""
        return [(name, store) for name, stores in self._legacy.items() for store in stores]

    def _forget_series(self, name, store):
        """The store was handed on, or sent."""
        with self._lock:
            left = [each for each in self._legacy.get(name, []) if each is not store]
            if left:
                self._legacy[name] = left
            else:
                self._legacy.pop(name, None)

    def _series_rows(self):
        """How many rows the points are."""
        added = [store for points in self._dataset.values() for store in points.stores]
        return sum(len(store) for store in added) + sum(len(store) for _, store in self._series_stores())

    add_data_point = addDataPoint
    add_data_series = addDataSeries
    clear_series = clearSeries


def _put(store, name, point):
    row = point.toDict()
    store.add(data.Timestamp(row["time"], data.TimeUnit.MICROSECONDS), {name: row["value"]})


def _put_into(stores, name, point):
    """Into the last of the stores, or into a new one: numbers that no column holds together are two batches."""
    if stores:
        try:
            _put(stores[-1], name, point)
            return
        except ValueError:
            pass
    stores.append(data.DataStore([name]))
    _put(stores[-1], name, point)
