"""Answers of the server, and the ways out of them: rows, pandas, polars, Arrow.

pandas, polars and pyarrow are imported when they are asked for, and not before.
"""

import datetime

_UTC = datetime.timezone.utc
_UNITS = {"sec": 1_000_000, "msec": 1_000, "usec": 1}


class Answer(dict):
    """The reply as a dictionary, just as the server wrote it.

    ``to_pandas()``, ``to_polars()`` and ``to_arrow()`` give it as a table, whose times are in UTC.
    """

    #: What times of the reply count.
    unit = "msec"

    @classmethod
    def of(cls, reply, unit):
        """The answer whose times are counted in that unit."""
        answer = cls(reply)
        answer.unit = unit
        return answer

    def columns(self):
        """The table as a dictionary: a list for each column. Times are numbers in the reply's unit."""
        table = {}
        rows = 0
        for part in self.get("result") or []:
            added = len(part["values"]) if "fields" in part else len(part.get("data", []))
            for name, values in _columns_of(part).items():
                column = table.setdefault(name, [None] * rows)
                column.extend(values)
            rows += added
            for column in table.values():
                column.extend([None] * (rows - len(column)))
        return table

    def rows(self):
        """The table as a list of dictionaries, one for each row."""
        table = self.columns()
        return [dict(zip(table, row)) for row in zip(*table.values())]

    def _micros(self, times):
        unit = _UNITS[self.get("timefmt", self.unit)]
        return [None if time is None else time * unit for time in times]

    def to_arrow(self):
        """The table as a pyarrow.Table."""
        import pyarrow

        arrays = {}
        for name, values in self.columns().items():
            if name == "time":
                kind = pyarrow.timestamp("us", tz="UTC")
                arrays[name] = pyarrow.array(self._micros(values), type=pyarrow.int64()).cast(kind)
            else:
                arrays[name] = pyarrow.array(_one_kind(values))
        return pyarrow.table(arrays)

    def to_pandas(self):
        """The table as a pandas.DataFrame."""
        import pandas

        table = {}
        for name, values in self.columns().items():
            if name == "time":
                table[name] = pandas.to_datetime(
                    pandas.Series(self._micros(values), dtype="int64"), unit="us", utc=True
                )
            else:
                table[name] = pandas.Series(_one_kind(values))
        return pandas.DataFrame(table)

    def to_polars(self):
        """The table as a polars.DataFrame."""
        import polars

        table = []
        for name, values in self.columns().items():
            if name == "time":
                times = polars.Series(name, self._micros(values), dtype=polars.Int64)
                table.append(times.cast(polars.Datetime("us", "UTC")))
            else:
                table.append(polars.Series(name, _one_kind(values)))
        return polars.DataFrame(table)


def _columns_of(part):
    """The columns of one part of a result: of rows of a namespace, or of points of a series."""
    if "fields" in part:
        values = part["values"]
        return {name: [row[at] for row in values] for at, name in enumerate(part["fields"])}
    points = part.get("data", [])
    return {
        "time": [point["time"] for point in points],
        "device_id": [part.get("device_id")] * len(points),
        "name": [part.get("name")] * len(points),
        "value": [point["value"] for point in points],
    }


def _one_kind(values):
    """Whole numbers among fractions as fractions, so that a column is of one kind."""
    kinds = {type(value) for value in values if value is not None}
    if kinds == {int, float}:
        return [None if value is None else float(value) for value in values]
    return values
