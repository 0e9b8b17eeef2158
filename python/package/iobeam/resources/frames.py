"""Tables of other libraries, as what the native half reads: an Arrow stream, or named arrays.

None of those libraries is imported here: a table brings its own.
"""


def prepared(frame, time="time", columns=None):
    """The table in one of the two forms, and whether it may be read to its end before any of it is stored.

    The second form is a list of columns: name, values, where values are missing (or None), whether times are in UTC.
    """
    if _library(frame) == "pandas" and hasattr(frame, "columns"):
        return _pandas_frame(frame, time, columns), True
    if _library(frame) == "pyarrow" and not hasattr(frame, "__arrow_c_stream__") and hasattr(frame, "schema"):
        import pyarrow

        return pyarrow.Table.from_batches([frame]), True
    if hasattr(frame, "__arrow_c_stream__"):
        # A table says how many rows it has; a stream does not, and may be longer than memory.
        return frame, any(hasattr(frame, size) for size in ("num_rows", "height", "shape", "__len__"))
    if hasattr(frame, "items"):
        return [(str(name), *_column(values)) for name, values in frame.items()], True
    names = getattr(getattr(frame, "dtype", None), "names", None)
    if names:
        return [(name, *_column(frame[name])) for name in names], True
    raise ValueError(
        "a {} is no table; give a frame of pandas, polars, pyarrow or duckdb, or a dict of columns".format(
            type(frame).__name__
        )
    )


def _library(value):
    return type(value).__module__.split(".")[0]


def _column(values):
    """A column of a dictionary: values, where they are missing, and whether its times are known to be UTC."""
    if _library(values) == "pandas":
        return _pandas_column(values)
    if hasattr(values, "__array_interface__"):
        # A masked array of numpy's: its own memory says nothing of the mask.
        if hasattr(values, "mask") and hasattr(values, "filled"):
            return (values.tolist(), None, False) if values.dtype.kind in "OUS" else _masked(values)
        return (values, None, False)
    if hasattr(values, "__arrow_c_stream__") or hasattr(values, "__arrow_c_array__"):
        return (values, None, False)
    if hasattr(values, "to_numpy"):
        return (values.to_numpy(), None, False)
    if isinstance(values, (str, bytes)) or not hasattr(values, "__iter__"):
        raise ValueError(
            "a column must be a list or an array of one value for each row, not {!r}".format(values)
        )
    return (list(values), None, False)


def _masked(values):
    import numpy

    return (values.data, numpy.ma.getmaskarray(values), False)


def _pandas_frame(frame, time, columns):
    names = [str(name) for name in frame.columns]
    for name in names:
        if names.count(name) > 1:
            raise ValueError("the frame has two columns {!r}; rename one, or leave it out".format(name))
    table = [(name, *_pandas_column(frame.iloc[:, at])) for at, name in enumerate(names)]
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
            table.append((name, *_pandas_column(level)))
    return table


def _pandas_column(series):
    if not hasattr(series, "dt") and hasattr(series, "to_series"):
        # An index.
        series = series.to_series()
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
    return (series.tolist(), None, False)
