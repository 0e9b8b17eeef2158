"""The calls of the REST API, one class for each part of it."""
