"""Points of series, as programs of old add them: kept by their series until they are sent, equal ones once."""

from .resources import data
from .utils import utils


class Series:
    """The part of a client that takes points. The client gives it ``_lock`` and ``_native``."""

    def _begin_series(self):
        # What addDataPoint collects: points by their series.
        self._dataset = {}
        # A store for each series that is on its way.
        self._legacy = {}

    def addDataPoint(self, seriesName, datapoint):
        """Adds a point to a series. Equal points of a series count once."""
        if not isinstance(seriesName, str) or not seriesName:
            raise ValueError("the series name must be a str that is not empty, not {!r}".format(seriesName))
        if not isinstance(datapoint, data.DataPoint):
            utils.getLogger().warning("%r is no DataPoint and was left out", datapoint)
            return
        with self._lock:
            self._dataset.setdefault(seriesName, {})[datapoint] = None

    def addDataSeries(self, dataseries):
        """Adds the points of a DataSeries."""
        if not isinstance(dataseries, data.DataSeries):
            raise ValueError("give a DataSeries, not {!r}".format(dataseries))
        if len(dataseries) == 0:
            utils.getLogger().warning("the series %r has no points", dataseries.getName())
            return
        for point in dataseries.getPoints():
            self.addDataPoint(dataseries.getName(), point)

    def clearSeries(self, seriesName):
        """Forgets the points of a series."""
        with self._lock:
            self._dataset.pop(seriesName, None)
            self._legacy.pop(seriesName, None)

    def _collect_series(self):
        """Makes a store of each series, which is kept until it was sent."""
        for name, points in self._dataset.items():
            store = self._legacy.setdefault(name, data.DataStore([name]))
            for point in points:
                row = point.toDict()
                store.add(data.Timestamp(row["time"], data.TimeUnit.MICROSECONDS), {name: row["value"]})
        self._dataset = {}

    def _forget_series(self, name, store):
        """The series was handed on, or sent. Points that came meanwhile are not in it."""
        with self._lock:
            if self._legacy.get(name) is store:
                del self._legacy[name]

    def _series_rows(self):
        """How many rows the points are."""
        return sum(len(store) for store in self._legacy.values()) + sum(len(points) for points in self._dataset.values())

    add_data_point = addDataPoint
    add_data_series = addDataSeries
    clear_series = clearSeries
