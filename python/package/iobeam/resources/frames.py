"""Tables of other libraries, as what the native half reads: an Arrow stream, or named arrays.

None of those libraries is imported here: a table brings its own.
"""

import collections.abc

from iobeam.errors import ColumnTypeError


def prepared(frame, time="time", columns=None):
    """The table in one of the two forms, and whether it may be read to its end before any of it is stored.

    The second form is a list of columns: name, values, where values are missing (or None), whether times are in UTC.
    """
    if _library(frame) == "pandas" and hasattr(frame, "columns") and hasattr(frame, "index"):
        return _pandas_frame(frame, time, columns), True
    if _library(frame) == "pyarrow" and not hasattr(frame, "__arrow_c_stream__") and hasattr(frame, "schema"):
        return _pyarrow_stream(frame)
    if hasattr(frame, "__arrow_c_stream__"):
        # A table says how many rows it has; a stream does not, and may be longer than memory.
        return frame, any(hasattr(frame, size) for size in ("num_rows", "height", "shape", "__len__"))
    if hasattr(frame, "items"):
        given = [(str(name), values) for name, values in frame.items()]
        _check_indexes(given)
        return [(name, *_column(name, values)) for name, values in given], True
    names = getattr(getattr(frame, "dtype", None), "names", None)
    if names:
        return [(name, *_column(name, frame[name])) for name in names], True
    raise ValueError("a {} is no table; {}".format(type(frame).__name__, _way_to_a_table(frame)))


def _way_to_a_table(frame):
    """What to do with something that is no table."""
    if hasattr(frame, "collect"):
        return "collect() it first"
    if hasattr(frame, "_asdict"):
        return "give its _asdict(): a dict of columns"
    if isinstance(frame, (list, tuple)):
        return "make columns of the rows, as pandas.DataFrame(rows), or add the rows to a store: createDataStore(...).add(...)"
    return "give a frame of pandas, polars, pyarrow or duckdb, or a dict of columns"


def _pyarrow_stream(frame):
    """A dataset of pyarrow's, or a batch of a pyarrow that does not yet hand over streams."""
    if hasattr(frame, "scanner"):
        return _foreign(None, frame, lambda: frame.scanner().to_reader()), False
    import pyarrow

    return _foreign(None, frame, lambda: pyarrow.Table.from_batches([frame])), True


def _library(value):
    return type(value).__module__.split(".")[0]


def _foreign(name, values, read):
    """What another library makes of its values. Its errors are told with the column."""
    try:
        return read()
    except Exception as error:
        place = "" if name is None else "column {!r}: ".format(name)
        raise ColumnTypeError(
            "{}a {} cannot be read ({}); make it a list, or an array of numbers, bools, strings or times".format(
                place, type(values).__name__, error
            )
        ) from error


def _check_indexes(columns):
    """A series of pandas' says by its index which row a value is of: those of one table must agree."""
    series = [(name, values) for name, values in columns if _library(values) == "pandas" and hasattr(values, "index")]
    names = {name.lower() for name, _ in columns}
    for name, values in series:
        if any(str(level).lower() == "device_id" for level in values.index.names) and "device_id" not in names:
            raise ValueError(
                "column {!r} is indexed by device_id, which is no column of the table; add it, as"
                " \"device_id\": series.index, or leave it out with reset_index(drop=True)".format(name)
            )
        first, other = series[0]
        if len(values) == len(other) and not values.index.equals(other.index):
            raise ValueError(
                "the columns {!r} and {!r} are series of different indexes, so it is not known which values belong"
                " together; make one frame of them, or leave the indexes out with reset_index(drop=True)".format(first, name)
            )


def _column(name, values):
    """A column of a dictionary: values, where they are missing, and whether its times are known to be UTC."""
    if _library(values) == "pandas":
        return _foreign(name, values, lambda: _pandas_column(values))
    if hasattr(values, "__array_interface__"):
        # A masked array of numpy's: its own memory says nothing of the mask.
        if hasattr(values, "mask") and hasattr(values, "filled"):
            return (values.tolist(), None, False) if values.dtype.kind in "OUS" else _masked(values)
        return (values, None, False)
    if hasattr(values, "__arrow_c_stream__") or hasattr(values, "__arrow_c_array__"):
        return (values, None, False)
    for convert in ("to_numpy", "__array__"):
        if hasattr(values, convert):
            return (_foreign(name, values, getattr(values, convert)), None, False)
    no_list = (str, bytes, bytearray, collections.abc.Set, collections.abc.Mapping)
    if isinstance(values, no_list) or not hasattr(values, "__iter__"):
        raise ValueError(
            "column {!r} must be a list or an array of one value for each row, not {!r}".format(name, values)
        )
    return (_foreign(name, values, lambda: list(values)), None, False)


def _masked(values):
    import numpy

    return (values.data, numpy.ma.getmaskarray(values), False)


def _pandas_frame(frame, time, columns):
    names = [str(name) for name in frame.columns]
    for name in names:
        if names.count(name) > 1:
            raise ValueError("the frame has two columns {!r}; rename one, or leave it out".format(name))
    table = []
    for at, name in enumerate(names):
        column = frame.iloc[:, at]
        table.append((name, *_foreign(name, column, lambda column=column: _pandas_column(column))))
    table += _index_columns(frame.index, names, time, columns)
    return table


def _index_columns(index, names, time, wanted):
    """What the index of a frame says. Named levels are columns; row numbers without a name are nothing."""
    table = []
    for at in range(index.nlevels):
        level = index.get_level_values(at)
        name = index.names[at]
        kind = getattr(level.dtype, "kind", "O")
        if name is None:
            if kind == "M" and time not in names and index.nlevels == 1:
                name = time
            elif kind in "iu" and index.nlevels == 1:
                continue
            else:
                raise ValueError(
                    "the frame's index holds {} and has no name, so it is not known what column it is; name it"
                    " (frame.index.name = ...), make it a column with reset_index(), or leave it out with"
                    " reset_index(drop=True)".format("times" if kind == "M" else "values")
                )
        name = str(name)
        if name in names:
            raise ValueError(
                "the frame has a column {0!r}, and its index is called {0!r} too; rename one, or leave the index out"
                " with reset_index(drop=True)".format(name)
            )
        if wanted is None or name in wanted or name == time:
            table.append((name, *_foreign(name, level, lambda level=level: _pandas_column(level))))
    return table


def _pandas_column(series):
    import pandas

    if not isinstance(series, pandas.Series):
        # An index, or an array of pandas' own.
        series = pandas.Series(series)
    kind = series.dtype
    if getattr(kind, "kind", "") == "M" and not hasattr(kind, "pyarrow_dtype"):
        zoned = getattr(kind, "tz", None) is not None
        if zoned:
            series = series.dt.tz_convert(None)
        return (series.to_numpy(), None, zoned)
    if hasattr(kind, "pyarrow_dtype") and hasattr(series.array, "__arrow_array__"):
        return (series.array.__arrow_array__(), None, False)
    if hasattr(kind, "numpy_dtype"):
        # pandas' own kinds with NA: what stands where a value is missing is never looked at.
        missing = series.isna().to_numpy(dtype=bool)
        zero = False if kind.kind == "b" else 0
        return (series.to_numpy(dtype=kind.numpy_dtype, na_value=zero), missing, False)
    if getattr(kind, "kind", "O") in "iufbmc":
        return (series.to_numpy(), None, False)
    if hasattr(kind, "categories"):
        # Each row is one of a few values, or none of them.
        values = kind.categories.tolist()
        return ([None if code < 0 else values[code] for code in series.cat.codes.tolist()], None, False)
    return (series.tolist(), None, False)
