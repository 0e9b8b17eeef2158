"""Checks of arguments, a look at a token, and the library's log."""

import base64
import binascii
import json
import logging
import operator
import re
import time

# A token is as good as expired a day early: a new one is fetched in good time.
EXPIRY_FUDGE = 24 * 60 * 60 * 1000

_RESERVED = ("time", "time_offset", "all")
_DEVICE_ID = re.compile(r"[a-zA-Z0-9_:-]+\Z")
_LOGGER = logging.getLogger("iobeam")
_LOGGER.addHandler(logging.NullHandler())


def getLogger():
    """The library's logger, called ``iobeam``."""
    return _LOGGER


def checkValidProjectId(projectId):
    """Raises ValueError unless the project id is a whole number above 0."""
    if isinstance(projectId, bool):
        raise ValueError("the project id must be an int, not a bool")
    try:
        number = operator.index(projectId)
    except TypeError:
        raise ValueError(
            "the project id must be an int above 0, not {!r}".format(projectId)
        ) from None
    if number <= 0:
        raise ValueError("the project id must be above 0, and {} is not".format(number))


def _checkText(value, what):
    if not isinstance(value, str):
        raise ValueError("the {} must be a str, not {}".format(what, type(value).__name__))
    if not value:
        raise ValueError("the {} must not be empty".format(what))


def checkValidProjectToken(token):
    """Raises ValueError unless the token is a text that is not empty."""
    _checkText(token, "project token")


def checkValidSeriesName(name):
    """Raises ValueError unless the name can be a series': not empty, and not a word with a meaning of its own."""
    _checkText(name, "series name")
    if name.lower() in _RESERVED:
        raise ValueError(
            "{!r} is reserved (in any letter case); choose another name".format(name)
        )


def checkValidDeviceId(deviceId):
    """Raises ValueError unless the device id is made of a-z, A-Z, 0-9, '_', ':' and '-'."""
    _checkText(deviceId, "device id")
    if not _DEVICE_ID.match(deviceId):
        raise ValueError(
            "the device id {!r} cannot be used: it may hold a-z, A-Z, 0-9, '_', ':' and '-'".format(
                deviceId
            )
        )


def tokenClaims(token):
    """What a token says about itself, unverified. ValueError when it is no JWT."""
    checkValidProjectToken(token)
    wrong = ValueError("the token is not a JWT; copy it whole, with both dots")
    parts = token.split(".")
    if len(parts) != 3:
        raise wrong
    text = parts[1].replace("+", "-").replace("/", "_").rstrip("=")
    try:
        claims = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        header = parts[0].replace("+", "-").replace("/", "_").rstrip("=")
        json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))
    except (binascii.Error, ValueError):
        raise wrong from None
    if not isinstance(claims, dict):
        raise wrong
    return claims


def isExpiredToken(projectToken):
    """Whether a token has ended or ends within a day. ValueError when it is no JWT."""
    claims = tokenClaims(projectToken)
    try:
        ends = int(claims["exp"]) * 1000
    except (KeyError, TypeError, ValueError):
        raise ValueError("the token does not say when it ends; ask for a new one") from None
    return int(time.time() * 1000) >= ends - EXPIRY_FUDGE
