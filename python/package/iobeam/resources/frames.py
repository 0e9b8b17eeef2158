"""Tables of other libraries, as what the native half reads: an Arrow stream, or named arrays.

None of those libraries is imported here: a table brings its own.
"""


def prepared(frame):
    """The table in one of the two forms."""
    if type(frame).__module__.split(".")[0] == "pandas":
        return [(str(name), *_pandas_column(frame[name])) for name in frame.columns]
    if hasattr(frame, "__arrow_c_stream__"):
        return frame
    if type(frame).__module__.split(".")[0] == "pyarrow" and hasattr(frame, "schema"):
        import pyarrow

        return pyarrow.table(frame) if not hasattr(frame, "num_columns") else pyarrow.Table.from_batches([frame])
    if hasattr(frame, "items"):
        return [(str(name), *_column(values)) for name, values in frame.items()]
    raise ValueError(
        "a {} is no table; give a frame of pandas, polars or pyarrow, or a dict of columns".format(
            type(frame).__name__
        )
    )


def _column(values):
    """A column of a dictionary: an array as it is, anything else as a list. And whether its times are known to be UTC."""
    if type(values).__module__.split(".")[0] == "pandas":
        return _pandas_column(values)
    if hasattr(values, "__array_interface__"):
        return (values, False)
    if hasattr(values, "to_numpy"):
        return (values.to_numpy(), False)
    return (list(values), False)


def _pandas_column(series):
    kind = series.dtype
    if getattr(kind, "kind", "") == "M":
        zoned = getattr(kind, "tz", None) is not None
        if zoned:
            series = series.dt.tz_convert(None)
        return (series.to_numpy(), zoned)
    if hasattr(kind, "numpy_dtype") and not hasattr(kind, "pyarrow_dtype"):
        # pandas' own kinds with NA: as floats, where something is missing.
        if series.isna().any():
            if kind.kind == "b":
                return (series.astype(object).tolist(), False)
            return (series.to_numpy(dtype="float64", na_value=float("nan")), False)
        return (series.to_numpy(dtype=kind.numpy_dtype), False)
    if getattr(kind, "kind", "O") in "iufb" and not hasattr(kind, "pyarrow_dtype"):
        return (series.to_numpy(), False)
    return (series.tolist(), False)
