"""Calls that query readings."""

from iobeam.endpoints import service
from iobeam.resources import answer


class ExportService(service.EndpointService):
    """Asks for series."""

    def getData(self, query):
        """The answer to a query, as a dictionary, whatever the server said."""
        self.needToken()
        if query is None:
            raise ValueError("the query must not be None")
        r = self.requester().get(self.makeEndpoint("exports/" + query.getUrl())).token(self.token)
        for name, value in query.getParams().items():
            r.setParam(name, value)
        r.execute()
        reply = r.getResponse()
        return answer.Answer(reply) if isinstance(reply, dict) else reply
