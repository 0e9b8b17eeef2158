//! Numbers in forms that Rust has no type for: half floats and decimals.

/// The number that a half float is.
pub(super) fn double_of_half(bits: u16) -> f64 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let fraction = f64::from(bits & 0x03ff);
    sign * match (bits >> 10) & 0x1f {
        0 => fraction * 2f64.powi(-24),
        0x1f if fraction == 0.0 => f64::INFINITY,
        0x1f => f64::NAN,
        exponent => (1024.0 + fraction) * 2f64.powi(i32::from(exponent) - 25),
    }
}

/// A decimal of so many digits behind the point: whole, or the double nearest to it. A fraction may be rounded, what
/// stands before the point may not.
pub(super) fn number_of_decimal(unscaled: i128, scale: i32) -> Result<Result<i64, f64>, String> {
    let text = || format!("{unscaled}e{}", -scale);
    let power =
        u32::try_from(scale.unsigned_abs()).ok().and_then(|scale| 10i128.checked_pow(scale));
    let whole = match power {
        Some(power) if scale > 0 && unscaled % power == 0 => Some(unscaled / power),
        Some(power) if scale <= 0 => unscaled.checked_mul(power),
        None if unscaled == 0 => Some(0),
        _ => None,
    };
    if let Some(whole) = whole {
        return i64::try_from(whole).map(Ok).map_err(|_| {
            format!(
                "the whole number {whole} is beyond 64 bits; give the column as floats, or as text"
            )
        });
    }
    let double: f64 = text().parse().map_err(|_| format!("{} is no number", text()))?;
    if double.abs() >= (1u64 << 53) as f64 {
        return Err(format!(
            "{} has more digits than a number keeps; give the column as floats, or as text",
            text()
        ));
    }
    Ok(Err(double))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_floats_are_the_numbers_that_their_format_says() {
        for (bits, number) in [
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65504.0),
            (0x0001, 2f64.powi(-24)),
            (0x3555, 0.333_251_953_125),
            (0x0400, 2f64.powi(-14)),
        ] {
            assert!(
                (double_of_half(bits) - number).abs() < f64::EPSILON * number.abs(),
                "{bits:x}"
            );
        }
        assert!(double_of_half(0x7c00).is_infinite() && double_of_half(0x7e00).is_nan());
    }

    #[test]
    fn a_decimal_is_whole_or_the_nearest_double_and_loses_nothing_before_the_point() {
        assert_eq!(number_of_decimal(1234, 2), Ok(Err(12.34)));
        assert_eq!(number_of_decimal(1200, 2), Ok(Ok(12)));
        assert_eq!(number_of_decimal(12, -2), Ok(Ok(1200)));
        assert_eq!(number_of_decimal(9_007_199_254_740_993, 0), Ok(Ok(9_007_199_254_740_993)));
        assert!(number_of_decimal(90_071_992_547_409_935, 1).is_err());
        assert!(number_of_decimal(i128::from(i64::MAX) + 1, 0).is_err());
    }
}
