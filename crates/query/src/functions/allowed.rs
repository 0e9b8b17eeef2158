//! The functions that a query may use, each with a bound on what it makes of its arguments.
//!
//! ```text
//! engine's functions ─ a row here? ─▶ yes: wrapped, so that its bound is kept (`bounded`)
//!                                └──▶ no: unknown to queries
//! ```
//!
//! Deny by default: a function that a new version of the engine brings is refused until it has a row. What multiplies
//! (`repeat`, `lpad`, `array_repeat`, ...) or tells of the server (`input_file_name`, `version`) has none.

/// How large the result of a scalar function can be, and how much work it is, for one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Growth {
    /// A value of the result type's width.
    Fixed,
    /// At most so many times the bytes of its arguments together.
    Sum(usize),
    /// As its arguments, with the first between each two of the others.
    Separated,
    /// The second argument between each two elements of the first, the third in place of missing ones.
    Joined,
    /// As the first argument with the longest of the others in place of each of its bytes.
    Replaced,
    /// As [`Growth::Replaced`], where the second argument is a regular expression.
    RegexReplaced,
    /// A regular expression, which is the second argument, is held against the first; the result is part of that.
    Regex,
    /// Each byte of the last argument is a placeholder at most.
    Format,
    /// Each byte of the arguments may become an element.
    Elements,
    /// A value of the result type's width, after as many steps as the lengths of both arguments multiplied.
    Product,
}

/// The scalar functions.
pub(super) const SCALARS: &[(&str, Growth)] = &[
    // Numbers.
    ("abs", Growth::Fixed),
    ("acos", Growth::Fixed),
    ("acosh", Growth::Fixed),
    ("asin", Growth::Fixed),
    ("asinh", Growth::Fixed),
    ("atan", Growth::Fixed),
    ("atan2", Growth::Fixed),
    ("atanh", Growth::Fixed),
    ("cbrt", Growth::Fixed),
    ("ceil", Growth::Fixed),
    ("cos", Growth::Fixed),
    ("cosh", Growth::Fixed),
    ("cot", Growth::Fixed),
    ("degrees", Growth::Fixed),
    ("exp", Growth::Fixed),
    ("factorial", Growth::Fixed),
    ("floor", Growth::Fixed),
    ("gcd", Growth::Fixed),
    ("isnan", Growth::Fixed),
    ("iszero", Growth::Fixed),
    ("lcm", Growth::Fixed),
    ("ln", Growth::Fixed),
    ("log", Growth::Fixed),
    ("log10", Growth::Fixed),
    ("log2", Growth::Fixed),
    ("nanvl", Growth::Fixed),
    ("pi", Growth::Fixed),
    ("power", Growth::Fixed),
    ("radians", Growth::Fixed),
    ("random", Growth::Fixed),
    ("round", Growth::Fixed),
    ("signum", Growth::Fixed),
    ("sin", Growth::Fixed),
    ("sinh", Growth::Fixed),
    ("sqrt", Growth::Fixed),
    ("tan", Growth::Fixed),
    ("tanh", Growth::Fixed),
    ("trunc", Growth::Fixed),
    // Times.
    ("current_date", Growth::Fixed),
    ("current_time", Growth::Fixed),
    ("date_bin", Growth::Fixed),
    ("date_part", Growth::Fixed),
    ("date_trunc", Growth::Fixed),
    ("from_unixtime", Growth::Fixed),
    ("make_date", Growth::Fixed),
    ("make_time", Growth::Fixed),
    ("now", Growth::Fixed),
    ("to_char", Growth::Format),
    ("to_date", Growth::Fixed),
    ("to_local_time", Growth::Fixed),
    ("to_time", Growth::Fixed),
    ("to_timestamp", Growth::Fixed),
    ("to_timestamp_micros", Growth::Fixed),
    ("to_timestamp_millis", Growth::Fixed),
    ("to_timestamp_nanos", Growth::Fixed),
    ("to_timestamp_seconds", Growth::Fixed),
    ("to_unixtime", Growth::Fixed),
    ("at_time_zone", Growth::Fixed),
    // It refuses to make more than so many buckets in one call.
    ("time_buckets", Growth::Fixed),
    // Texts of JSON.
    ("json_array_length", Growth::Fixed),
    ("json_get", Growth::Sum(1)),
    ("json_get_text", Growth::Sum(1)),
    ("json_typeof", Growth::Fixed),
    // Any values.
    ("arrow_cast", Growth::Sum(16)),
    ("arrow_try_cast", Growth::Sum(16)),
    ("arrow_typeof", Growth::Fixed),
    ("coalesce", Growth::Sum(1)),
    ("get_field", Growth::Sum(1)),
    ("greatest", Growth::Sum(1)),
    ("least", Growth::Sum(1)),
    ("named_struct", Growth::Sum(1)),
    ("nullif", Growth::Sum(1)),
    ("nvl", Growth::Sum(1)),
    ("nvl2", Growth::Sum(1)),
    ("struct", Growth::Sum(1)),
    // Texts.
    ("ascii", Growth::Fixed),
    ("bit_length", Growth::Fixed),
    ("btrim", Growth::Sum(1)),
    ("character_length", Growth::Fixed),
    ("chr", Growth::Fixed),
    ("concat", Growth::Sum(1)),
    ("concat_ws", Growth::Separated),
    ("contains", Growth::Fixed),
    ("ends_with", Growth::Fixed),
    ("find_in_set", Growth::Fixed),
    ("initcap", Growth::Sum(3)),
    ("left", Growth::Sum(1)),
    ("levenshtein", Growth::Product),
    ("lower", Growth::Sum(3)),
    ("ltrim", Growth::Sum(1)),
    ("octet_length", Growth::Fixed),
    ("overlay", Growth::Sum(2)),
    ("regexp_count", Growth::Regex),
    ("regexp_instr", Growth::Regex),
    ("regexp_like", Growth::Regex),
    ("regexp_match", Growth::Regex),
    ("regexp_replace", Growth::RegexReplaced),
    ("replace", Growth::Replaced),
    ("reverse", Growth::Sum(1)),
    ("right", Growth::Sum(1)),
    ("rtrim", Growth::Sum(1)),
    ("split_part", Growth::Sum(1)),
    ("starts_with", Growth::Fixed),
    ("strpos", Growth::Fixed),
    ("substr", Growth::Sum(1)),
    ("substr_index", Growth::Sum(1)),
    ("to_hex", Growth::Fixed),
    ("translate", Growth::Sum(4)),
    ("upper", Growth::Sum(3)),
    ("uuid", Growth::Fixed),
    // Lists and maps.
    ("array_any_value", Growth::Sum(1)),
    ("array_append", Growth::Sum(1)),
    ("array_concat", Growth::Sum(1)),
    ("array_dims", Growth::Fixed),
    ("array_distance", Growth::Fixed),
    ("array_distinct", Growth::Sum(4)),
    ("array_element", Growth::Sum(1)),
    ("array_except", Growth::Sum(4)),
    ("array_has", Growth::Fixed),
    ("array_has_all", Growth::Product),
    ("array_has_any", Growth::Product),
    ("array_intersect", Growth::Sum(4)),
    ("array_length", Growth::Fixed),
    ("array_max", Growth::Sum(1)),
    ("array_min", Growth::Sum(1)),
    ("array_ndims", Growth::Fixed),
    ("array_pop_back", Growth::Sum(1)),
    ("array_pop_front", Growth::Sum(1)),
    ("array_position", Growth::Fixed),
    ("array_positions", Growth::Sum(8)),
    ("array_prepend", Growth::Sum(1)),
    ("array_remove", Growth::Sum(1)),
    ("array_remove_all", Growth::Sum(1)),
    ("array_remove_n", Growth::Sum(1)),
    ("array_replace", Growth::Replaced),
    ("array_replace_all", Growth::Replaced),
    ("array_replace_n", Growth::Replaced),
    ("array_reverse", Growth::Sum(1)),
    ("array_slice", Growth::Sum(1)),
    ("array_sort", Growth::Sum(4)),
    ("array_sum", Growth::Fixed),
    ("array_to_string", Growth::Joined),
    ("array_union", Growth::Sum(4)),
    ("cardinality", Growth::Fixed),
    ("empty", Growth::Fixed),
    ("flatten", Growth::Sum(1)),
    ("make_array", Growth::Sum(2)),
    ("map", Growth::Sum(2)),
    ("map_entries", Growth::Sum(2)),
    ("map_extract", Growth::Sum(1)),
    ("map_keys", Growth::Sum(1)),
    ("map_values", Growth::Sum(1)),
    ("string_to_array", Growth::Elements),
];

/// The aggregate functions. What they gather counts against the memory of queries as it grows.
pub(super) const AGGREGATES: &[&str] = &[
    "any_value",
    "approx_distinct",
    "approx_median",
    "approx_percentile_cont",
    "array_agg",
    "avg",
    "bit_and",
    "bit_or",
    "bit_xor",
    "bool_and",
    "bool_or",
    "corr",
    "count",
    "covar_pop",
    "covar_samp",
    "first_value",
    "grouping",
    "last_value",
    "max",
    "median",
    "min",
    "nth_value",
    "percentile_cont",
    "regr_avgx",
    "regr_avgy",
    "regr_count",
    "regr_intercept",
    "regr_r2",
    "regr_slope",
    "regr_sxx",
    "regr_sxy",
    "regr_syy",
    "stddev",
    "stddev_pop",
    "string_agg",
    "sum",
    "var",
    "var_pop",
];

/// Of those the ones whose result grows with the rows that go in: over a window each row would get one.
pub(super) const GATHERING: &[&str] = &["array_agg", "string_agg"];

/// The window functions.
pub(super) const WINDOWS: &[&str] = &[
    "cume_dist",
    "dense_rank",
    "first_value",
    "lag",
    "last_value",
    "lead",
    "nth_value",
    "ntile",
    "percent_rank",
    "rank",
    "row_number",
];

/// The table functions, which make their rows one batch after the other.
pub(super) const TABLES: &[&str] = &["generate_series", "range", "unnest"];

/// The bound of a scalar function, if it is allowed.
pub(crate) fn growth(name: &str) -> Option<Growth> {
    SCALARS.iter().find(|(known, _)| *known == name).map(|(_, growth)| *growth)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_function_has_one_row() {
        let mut names: Vec<_> = SCALARS.iter().map(|(name, _)| *name).collect();
        names.sort_unstable();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all);
        assert!(growth("repeat").is_none() && growth("input_file_name").is_none());
    }
}
