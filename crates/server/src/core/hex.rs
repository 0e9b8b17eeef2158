//! Bytes as hexadecimal digits.

/// Reads exactly so many bytes: two digits each, of either case, and nothing else.
pub(crate) fn hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut bytes = [0; N];
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_digits_of_the_right_number_are_bytes() {
        assert_eq!(hex("00fF1a"), Some([0, 0xff, 0x1a]));
        assert_eq!(hex(""), Some([]));
        for wrong in ["", "0", "000", "00000", "+f", "f+", "-1", " f", "0x", "é", "g0"] {
            assert_eq!(hex::<1>(wrong), None, "{wrong}");
        }
        assert_eq!(hex::<2>("+fff"), None);
    }
}
