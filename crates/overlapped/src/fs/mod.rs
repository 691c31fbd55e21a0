//! Files: bytes at offsets, and the names that lead to them.

mod cache;
mod file;
mod open;
mod parts;
mod path;
mod ranges;
mod toll;
#[cfg(windows)]
mod watch;

pub use crate::{
    buf::RangeBuf,
    handle::{Alignment, Kind, Metadata},
};
pub use file::File;
pub use open::OpenOptions;
pub use parts::{Close, IntoParts, Parts};
pub use path::{create_dir, metadata, remove_dir, remove_file, rename};
pub use ranges::{Ranges, RangesOutput};
#[cfg(windows)]
pub use {
    crate::handle::win32::changes::{Action, Change, Changes},
    watch::{WatchOptions, Watcher},
};
