//! A path as the OS wants it.

use std::{ffi::CString, path::Path};

use crate::error::Cause;

/// The path with its final NUL. One that holds a NUL inside names nothing: it comes back shortened,
/// for the message, with the cause.
pub(crate) fn c_path(path: &Path) -> (CString, Option<Cause>) {
    let bytes = path.as_os_str().as_encoded_bytes();
    match CString::new(bytes) {
        Ok(text) => (text, None),
        Err(error) => {
            let mut bytes = bytes.to_vec();
            bytes.truncate(error.nul_position());
            let text = CString::new(bytes).unwrap_or_default();
            (text, Some(Cause::Invalid("a path holds no NUL byte; leave it out")))
        }
    }
}
