"""Answers of the server, and the ways out of them: rows, pandas, polars, Arrow.

    reply ─▶ columns: name, type, values ─▶ rows(), columns()      as the server wrote them
                                         └▶ to_arrow() ─▶ ...      as what their type says

pandas, polars and pyarrow are imported when they are asked for, and not before.
"""

import datetime
import decimal
import json
import re

_UNITS = {"sec": 1_000_000, "msec": 1_000, "usec": 1, "timeval": 1_000_000}
_LEAST, _MOST = -(2**63), 2**63 - 1


class Answer(dict):
    """The reply as a dictionary, just as the server wrote it.

    ``to_pandas()``, ``to_polars()`` and ``to_arrow()`` give it as a table whose columns have the types that the reply
    names: times are times in UTC, whole numbers stay whole, and what is missing is missing.
    """

    #: What times of the reply count.
    unit = "msec"
    #: The reply's text, in which decimals have all their digits.
    text = None

    @classmethod
    def of(cls, reply, unit, text=None):
        """The answer whose times are counted in that unit."""
        answer = cls(reply)
        answer.unit = unit
        answer.text = text
        return answer

    def columns(self):
        """The table as a dictionary: a list for each column. Times are numbers in the reply's unit.

        A name that stands more than once gets a number behind it: ``a``, ``a_2``.
        """
        return {name: values for name, _, values in self._table(self)}

    def rows(self):
        """The table as a list of dictionaries, one for each row."""
        table = self.columns()
        return [dict(zip(table, row)) for row in zip(*table.values())]

    def _table(self, reply):
        """The columns: name, type if it is known, values. The parts of a result stand below each other."""
        table, rows = {}, 0
        for part in reply.get("result") or []:
            added = len(part["values"]) if "fields" in part else len(part.get("data", []))
            for name, kind, values in _columns_of(part):
                column = table.setdefault(name, (kind, [None] * rows))[1]
                column.extend(values)
            rows += added
            for _, column in table.values():
                column.extend([None] * (rows - len(column)))
        return [(name, kind, values) for name, (kind, values) in table.items()]

    def _typed(self):
        """The columns, each as what its type says."""
        table = self._table(self)
        if self.text and any(kind == "DECIMAL" for _, kind, _ in table):
            exact = self._table(json.loads(self.text, parse_float=decimal.Decimal))
            table = [with_digits if with_digits[1] == "DECIMAL" else column for column, with_digits in zip(table, exact)]
        unit = self.get("timefmt", self.unit)
        return [_Column(name, kind, values, unit) for name, kind, values in table]

    def to_arrow(self):
        """The table as a pyarrow.Table."""
        import pyarrow

        columns = self._typed()
        arrays = [column.to_arrow(pyarrow) for column in columns]
        return pyarrow.table(arrays, names=[column.name for column in columns])

    def to_pandas(self):
        """The table as a pandas.DataFrame: whole numbers are Int64, texts string, bools boolean, times datetime64."""
        import pandas

        return pandas.DataFrame({column.name: column.to_pandas(pandas) for column in self._typed()})

    def to_polars(self):
        """The table as a polars.DataFrame."""
        import polars

        return polars.DataFrame([column.to_polars(polars) for column in self._typed()])


class _Column:
    """A column of an answer, its values as Python's own."""

    def __init__(self, name, kind, values, unit):
        self.name = name
        self.kind = kind or _kind_of(name, values)
        self.values = values
        if self.kind == "TIMESTAMP":
            self.values = [None if each is None else _micros(each, unit) for each in values]
        elif self.kind == "DATE":
            self.values = [None if each is None else _date(each) for each in values]
            if any(isinstance(each, str) for each in self.values):
                self.kind, self.values = "STRING", values
        elif self.kind == "TIME":
            self.values = [None if each is None else _clock_time(each) for each in values]
        elif self.kind == "DOUBLE":
            self.values = [None if each is None else float(each) for each in values]
        if self.kind in ("LONG", "DECIMAL"):
            self._number()

    def _number(self):
        """Whole numbers are of 64 bits if all fit, else exact decimals."""
        whole = all(each is None or each == int(each) for each in self.values)
        if whole and all(each is None or _LEAST <= each <= _MOST for each in self.values):
            self.kind, self.values = "LONG", [None if each is None else int(each) for each in self.values]
        else:
            self.kind = "DECIMAL"
            self.values = [None if each is None else decimal.Decimal(each) for each in self.values]

    def to_arrow(self, pyarrow):
        kinds = {
            "TIMESTAMP": pyarrow.timestamp("us", tz="UTC"),
            "DATE": pyarrow.date32(),
            "TIME": pyarrow.time64("us"),
            "LONG": pyarrow.int64(),
            "DOUBLE": pyarrow.float64(),
            "BOOLEAN": pyarrow.bool_(),
            "STRING": pyarrow.string(),
            "INTERVAL": pyarrow.string(),
            "NULL": pyarrow.null(),
        }
        if self.kind == "TIMESTAMP":
            return pyarrow.array(self.values, type=pyarrow.int64()).cast(kinds["TIMESTAMP"])
        if self.kind == "DECIMAL":
            precision, scale = self._digits()
            make = pyarrow.decimal128 if precision <= 38 else pyarrow.decimal256
            return pyarrow.array(self.values, type=make(max(precision, 38), scale))
        if self.kind in kinds:
            return pyarrow.array(self.values, type=kinds[self.kind])
        self._check_one_kind()
        return pyarrow.array(self.values)

    def to_pandas(self, pandas):
        if self.kind in ("TIMESTAMP", "DATE"):
            return self._pandas_times(pandas)
        kinds = {"LONG": "Int64", "DOUBLE": "float64", "BOOLEAN": "boolean", "STRING": "string", "INTERVAL": "string"}
        values = self.values
        if self.kind == "DECIMAL":
            # Whole numbers as Python's, which know no limit.
            if all(each is None or each == int(each) for each in values):
                values = [None if each is None else int(each) for each in values]
        return pandas.Series(values, dtype=kinds.get(self.kind, "object"))

    def _pandas_times(self, pandas):
        import numpy

        values = self.values
        if self.kind == "DATE":
            first = datetime.date(1970, 1, 1)
            values = [None if each is None else (each - first).days * 86_400_000_000 for each in values]
        # numpy has one number for a time that is missing, the least one.
        micros = numpy.array([_LEAST if each is None else each for each in values], dtype="int64")
        times = pandas.Series(micros.view("datetime64[us]"))
        return times.dt.tz_localize("UTC") if self.kind == "TIMESTAMP" else times

    def to_polars(self, polars):
        kinds = {
            "DATE": polars.Date,
            "TIME": polars.Time,
            "LONG": polars.Int64,
            "DOUBLE": polars.Float64,
            "BOOLEAN": polars.Boolean,
            "STRING": polars.String,
            "INTERVAL": polars.String,
            "NULL": polars.Null,
        }
        if self.kind == "TIMESTAMP":
            times = polars.Series(self.name, self.values, dtype=polars.Int64)
            return times.cast(polars.Datetime("us", "UTC"))
        if self.kind == "DECIMAL":
            precision, scale = self._digits()
            if precision > 38:
                # As polars has no wider ones.
                return polars.Series(self.name, [None if each is None else str(each) for each in self.values], dtype=polars.String)
            return polars.Series(self.name, self.values, dtype=polars.Decimal(38, scale))
        if self.kind in kinds:
            return polars.Series(self.name, self.values, dtype=kinds[self.kind])
        self._check_one_kind()
        return polars.Series(self.name, self.values, strict=False)

    def _check_one_kind(self):
        """Points of several series are in one column, and may be of several kinds: nothing is made another kind."""
        if self.kind == "MIXED" and len({type(each) for each in self.values if each is not None}) > 1:
            raise ValueError(
                "column {0!r} holds values of several kinds; ask for one series at a time, or use rows() or"
                " to_pandas()".format(self.name)
            )

    def _digits(self):
        """How many digits the decimals have, and how many of them behind the point."""
        before, behind = 1, 0
        for each in self.values:
            if each is not None:
                _, digits, exponent = each.as_tuple()
                behind = max(behind, -exponent)
                before = max(before, len(digits) + exponent)
        return before + behind, behind


def _columns_of(part):
    """The columns of one part of a result: of rows of a namespace, or of points of a series."""
    if "fields" in part:
        values, kinds = part["values"], part.get("types") or []
        names = distinct(part["fields"])
        return [
            (name, _plain(kinds[at]) if at < len(kinds) else None, [row[at] for row in values])
            for at, name in enumerate(names)
        ]
    points = part.get("data", [])
    return [
        ("time", None, [point["time"] for point in points]),
        ("device_id", "STRING", [part.get("device_id")] * len(points)),
        ("name", "STRING", [part.get("name")] * len(points)),
        ("value", None, [point["value"] for point in points]),
    ]


def distinct(names):
    """The names, each once: what stands twice gets a number behind it that no other column has."""
    taken, given = set(names), []
    for name in names:
        if name in given:
            number = 2
            while "{}_{}".format(name, number) in taken or "{}_{}".format(name, number) in given:
                number += 1
            name = "{}_{}".format(name, number)
        given.append(name)
    return given


def _plain(kind):
    """The name of a type without what stands in brackets behind it."""
    return kind.split("(")[0].strip()


def _kind_of(name, values):
    """What a column holds of which the reply does not say it."""
    if name == "time":
        return "TIMESTAMP"
    kinds = {type(each) for each in values if each is not None}
    if not kinds:
        return "NULL"
    if kinds == {bool}:
        return "BOOLEAN"
    if kinds == {str}:
        return "STRING"
    if kinds == {int}:
        return "LONG"
    if kinds <= {int, float}:
        return "DOUBLE" if not any(isinstance(each, int) and abs(each) > 2**53 for each in values) else "MIXED"
    return "MIXED"


_ISO = re.compile(r"([+-]?\d+)-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?Z")


def _micros(time, unit):
    if isinstance(time, dict):
        return time["sec"] * 1_000_000 + time["usec"]
    if isinstance(time, str):
        return _iso_micros(time)
    # A unit's first moment may begin before there are microseconds for it.
    return min(max(int(time) * _UNITS[unit], _LEAST), _MOST)


def _iso_micros(text):
    """The microseconds of a moment as the server writes it, whose year may be none that Python has."""
    read = _ISO.fullmatch(text)
    if read is None:
        raise ValueError("{!r} is no time as the server writes it".format(text))
    year, month, day, hour, minute, second = (int(part) for part in read.groups()[:6])
    # The calendar repeats itself each 400 years, which have 146 097 days.
    rounds, year = divmod(year - 1, 400)
    days = datetime.date(year + 1, month, day).toordinal() - datetime.date(1970, 1, 1).toordinal() + rounds * 146_097
    seconds = ((days * 24 + hour) * 60 + minute) * 60 + second
    return seconds * 1_000_000 + int((read.group(7) or "0").ljust(6, "0"))


def _clock_time(text):
    """A time of day; Python before 3.11 reads three or six digits of a second and no others."""
    clock, _, fraction = text.partition(".")
    return datetime.time.fromisoformat(f"{clock}.{fraction[:6]:0<6}" if fraction else clock)


def _date(text):
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        # A year that Python has no date for.
        return text
