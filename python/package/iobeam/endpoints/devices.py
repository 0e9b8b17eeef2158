"""Calls about devices."""

from iobeam.endpoints import service
from iobeam.errors import DuplicateIdError
from iobeam.http import request
from iobeam.resources import device
from iobeam.utils import utils

__all__ = ["DeviceService", "DuplicateIdError"]


class DeviceService(service.EndpointService):
    """Registers devices, and asks the server for the time."""

    def getTimestamp(self):
        """The server's time in milliseconds; -1 when it does not say."""
        self.needToken()
        r = self.requester().get(self.makeEndpoint("devices/timestamp")).token(self.token)
        r.execute()
        if r.getResponseCode() != 200:
            return -1
        return r.getResponse()["server_timestamp"]

    def registerDevice(self, projectId, deviceId=None, deviceName=None):
        """Registers a device and returns it. What is not given the server makes up.

        DuplicateIdError when the id is taken, UnauthorizedError when the token does not allow it.
        """
        self.needToken()
        utils.checkValidProjectId(projectId)
        body = {"project_id": projectId}
        if deviceId is not None:
            utils.checkValidDeviceId(deviceId)
            body["device_id"] = deviceId
        if deviceName is not None:
            body["device_name"] = deviceName
        r = self.requester().post(self.makeEndpoint("devices")).token(self.token).setBody(body)
        r.execute()
        status = r.getResponseCode()
        if status == 201:
            answer = r.getResponse()
            return device.Device(projectId, answer["device_id"], answer.get("device_name"))
        if status == 403:
            raise request.UnauthorizedError(
                "the token does not allow registering devices of project {}".format(projectId)
            )
        if r.getApiErrorCode() == request.ERROR_CODE_DUPLICATE_DEVICE_ID:
            raise DuplicateIdError()
        self.raiseUnknownCodeError(r)
