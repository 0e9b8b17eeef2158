//! What a type of Arrow is called: by its own libraries, which add types to those of the format, and by people.

use std::ffi::c_char;

/// The key under which a field's metadata name the type that its values really are.
const KEY: &[u8] = b"ARROW:extension:name";

/// The name of the extension type, if metadata say one. Their layout: a count, then for each a key and a value, each
/// with its length before it; all numbers are 32 bits of this machine.
pub(super) fn name<'a>(metadata: *const c_char) -> Option<&'a str> {
    let mut rest = metadata.cast::<u8>();
    if rest.is_null() {
        return None;
    }
    for _ in 0..number(&mut rest) {
        let (key, value) = (bytes(&mut rest), bytes(&mut rest));
        if key == KEY {
            return std::str::from_utf8(value).ok();
        }
    }
    None
}

fn number(rest: &mut *const u8) -> usize {
    // SAFETY: the layout says that a number is next.
    let number = unsafe { rest.cast::<i32>().read_unaligned() };
    *rest = rest.wrapping_add(4);
    usize::try_from(number).unwrap_or(0)
}

fn bytes<'a>(rest: &mut *const u8) -> &'a [u8] {
    let length = number(rest);
    // SAFETY: the layout says that so many bytes are next, and they live as long as the schema.
    let bytes = unsafe { std::slice::from_raw_parts(*rest, length) };
    *rest = rest.wrapping_add(length);
    bytes
}

/// Values of a type that cannot be stored, in words.
pub(super) fn spoken(format: &str) -> String {
    let known = match format.as_bytes() {
        [b'+', b'l' | b'L' | b'w', ..] | [b'+', b'v', b'l' | b'L'] => "lists",
        [b'+', b's', ..] => "structs",
        [b'+', b'm', ..] => "maps",
        [b'+', b'u', ..] => "unions",
        [b'z' | b'Z', ..] | [b'v', b'z'] | [b'w', b':', ..] => "binary values",
        [b't', b'i', ..] => "intervals",
        _ => return format!("values of the Arrow type {format:?}"),
    };
    known.to_owned()
}
