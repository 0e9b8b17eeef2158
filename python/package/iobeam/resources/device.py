"""A device."""


class Device:
    """A device of a project: its id, and its name if that is known."""

    def __init__(self, projectId, deviceId, deviceName=None):
        from iobeam.utils import utils

        utils.checkValidProjectId(projectId)
        utils.checkValidDeviceId(deviceId)
        self.projectId = projectId
        self.deviceId = deviceId
        self.deviceName = deviceName

    def __repr__(self):
        return "Device({!r}, {!r}, {!r})".format(self.projectId, self.deviceId, self.deviceName)

    def __str__(self):
        name = "" if self.deviceName is None else " ({})".format(self.deviceName)
        return "{}:{}{}".format(self.projectId, self.deviceId, name)
