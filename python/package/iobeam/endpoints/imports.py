"""Calls that send readings, as the JSON API has them."""

from iobeam.endpoints import service
from iobeam.utils import utils

# Rows times columns of one request.
_VALUES = 1000


class ImportService(service.EndpointService):
    """Sends stores and series, one request after the other."""

    def importData(self, projectId, deviceId, dataSeries):
        """Sends a dictionary of series: a name, and its points. Returns whether all were stored, and what was said."""
        self.needToken()
        for given, what in ((projectId, "project id"), (deviceId, "device id"), (dataSeries, "data")):
            if given is None:
                raise ValueError("the {} must not be None".format(what))
        points = [(name, point) for name, each in dataSeries.items() for point in each]
        if not points:
            return (True, None)
        bodies = []
        for start in range(0, len(points), _VALUES):
            sources = {}
            for name, point in points[start : start + _VALUES]:
                sources.setdefault(name, []).append(point.toDict())
            bodies.append([{"name": name, "data": data} for name, data in sources.items()])
        return self._post(projectId, deviceId, bodies, None)

    def importBatch(self, projectId, deviceId, dataStore):
        """Sends a DataStore. Returns whether all of it was stored, and what was said."""
        utils.checkValidProjectId(projectId)
        utils.checkValidProjectToken(self.token)
        utils.checkValidDeviceId(deviceId)
        if dataStore is None or len(dataStore) == 0:
            utils.getLogger().warning("there is nothing to send")
            return (True, None)
        fields = ["time"] + dataStore.columns()
        bodies = []
        for part in dataStore.split(max(_VALUES // (len(fields) - 1), 1)):
            data = [[row[field] for field in fields] for row in part.rows()]
            bodies.append({"fields": fields, "data": data})
        return self._post(projectId, deviceId, bodies, "table")

    def _post(self, projectId, deviceId, bodies, fmt):
        success, said = True, None
        for sources in bodies:
            r = self.requester().post(self.makeEndpoint("imports")).token(self.token)
            if fmt is not None:
                r.setParam("fmt", fmt)
            r.setBody(
                {
                    "project_id": projectId,
                    "device_id": deviceId,
                    "timefmt": "usec",
                    "sources": sources,
                }
            )
            r.execute()
            if r.getResponseCode() != 200:
                success, said = False, r.getResponse()
        return (success, said)
