//! The structs of the Arrow C data interface, as they lie in memory, and how they change hands.

use std::ffi::{CStr, c_char, c_int, c_void};

use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyCapsuleMethods};

use crate::failure::column_error;

/// `struct ArrowSchema`.
#[repr(C)]
pub(super) struct Schema {
    pub(super) format: *const c_char,
    pub(super) name: *const c_char,
    pub(super) metadata: *const c_char,
    pub(super) flags: i64,
    pub(super) n_children: i64,
    pub(super) children: *mut *mut Schema,
    pub(super) dictionary: *mut Schema,
    pub(super) release: Option<unsafe extern "C" fn(*mut Schema)>,
    pub(super) private_data: *mut c_void,
}

/// `struct ArrowArray`.
#[repr(C)]
pub(super) struct Array {
    pub(super) length: i64,
    pub(super) null_count: i64,
    pub(super) offset: i64,
    pub(super) n_buffers: i64,
    pub(super) n_children: i64,
    pub(super) buffers: *mut *const c_void,
    pub(super) children: *mut *mut Array,
    pub(super) dictionary: *mut Array,
    pub(super) release: Option<unsafe extern "C" fn(*mut Array)>,
    pub(super) private_data: *mut c_void,
}

/// `struct ArrowArrayStream`.
#[repr(C)]
pub(super) struct Stream {
    pub(super) get_schema: Option<unsafe extern "C" fn(*mut Stream, *mut Schema) -> c_int>,
    pub(super) get_next: Option<unsafe extern "C" fn(*mut Stream, *mut Array) -> c_int>,
    pub(super) get_last_error: Option<unsafe extern "C" fn(*mut Stream) -> *const c_char>,
    pub(super) release: Option<unsafe extern "C" fn(*mut Stream)>,
    pub(super) private_data: *mut c_void,
}

macro_rules! released_when_dropped {
    ($($name:ident),*) => { $(
        impl Drop for $name {
            fn drop(&mut self) {
                if let Some(release) = self.release {
                    // SAFETY: the producer's function, called once: it sets `release` to null.
                    unsafe { release(self) };
                }
            }
        }
    )* };
}
released_when_dropped!(Schema, Array, Stream);

/// One that is released already.
pub(super) const fn empty_schema() -> Schema {
    Schema {
        format: std::ptr::null(),
        name: std::ptr::null(),
        metadata: std::ptr::null(),
        flags: 0,
        n_children: 0,
        children: std::ptr::null_mut(),
        dictionary: std::ptr::null_mut(),
        release: None,
        private_data: std::ptr::null_mut(),
    }
}

/// One that is released already.
pub(super) const fn empty_array() -> Array {
    Array {
        length: 0,
        null_count: 0,
        offset: 0,
        n_buffers: 0,
        n_children: 0,
        buffers: std::ptr::null_mut(),
        children: std::ptr::null_mut(),
        dictionary: std::ptr::null_mut(),
        release: None,
        private_data: std::ptr::null_mut(),
    }
}

/// Takes over what a capsule of that name holds. `empty` is left behind, as what is released already.
///
/// # Safety
/// A capsule of that name holds a `T`, and releasing what is left behind does nothing.
pub(super) unsafe fn take_over<T>(
    capsule: &Bound<'_, PyAny>,
    name: &CStr,
    empty: T,
) -> PyResult<T> {
    let capsule = capsule.cast::<PyCapsule>().map_err(PyErr::from)?;
    let pointer = capsule.pointer_checked(Some(name))?.cast::<T>().as_ptr();
    // SAFETY: the caller's.
    Ok(unsafe { std::ptr::replace(pointer, empty) })
}

/// One that is released already.
pub(super) const fn empty_stream() -> Stream {
    Stream {
        get_schema: None,
        get_next: None,
        get_last_error: None,
        release: None,
        private_data: std::ptr::null_mut(),
    }
}

/// A text of the producer's; empty when there is none.
pub(super) fn text<'a>(pointer: *const c_char) -> &'a str {
    if pointer.is_null() {
        return "";
    }
    // SAFETY: the interface says that it ends with a zero and lives as long as its owner.
    unsafe { CStr::from_ptr(pointer) }.to_str().unwrap_or("")
}

impl Schema {
    /// The type of one of its columns.
    pub(super) fn child(&self, at: usize) -> PyResult<&Self> {
        // SAFETY: there are `n_children` of them, and the caller stays below.
        let child = unsafe { (*self.children.add(at)).as_ref() };
        child.ok_or_else(|| column_error("a column of the Arrow stream is missing"))
    }
}
