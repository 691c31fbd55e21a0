//! The bytes on their way to standard output, and the words on their way to standard error.

use std::{
    fmt,
    io::{self, BufWriter, IsTerminal, Write},
};

/// Bytes of one line of a dump.
const LINE: usize = 16;

/// Prints `bytes` as they are, or as a dump with offsets from `first` on.
pub(crate) fn print(bytes: &[u8], hex: bool, first: u64) -> io::Result<()> {
    let stdout = io::stdout().lock();
    let shown = stdout.is_terminal();
    let mut out = BufWriter::new(stdout);
    if hex {
        dump(&mut out, bytes, first)?;
    } else {
        out.write_all(bytes)?;
        // On a terminal the line about the outcome would stick to an unfinished line.
        if shown && !bytes.ends_with(b"\n") {
            out.write_all(b"\n")?;
        }
    }
    out.flush()
}

/// Says a line on standard error. Whoever closed that does not want to know.
pub(crate) fn say(line: fmt::Arguments<'_>) {
    let _unheard = writeln!(io::stderr(), "{line}");
}

fn dump(out: &mut impl Write, bytes: &[u8], first: u64) -> io::Result<()> {
    for (line, at) in bytes.chunks(LINE).zip((first..).step_by(LINE)) {
        write!(out, "{at:08x} ")?;
        for i in 0..LINE {
            match line.get(i) {
                Some(byte) => write!(out, " {byte:02x}")?,
                None => write!(out, "   ")?,
            }
        }
        let letters: String = line.iter().map(|byte| letter(*byte)).collect();
        writeln!(out, "  {letters}")?;
    }
    Ok(())
}

fn letter(byte: u8) -> char {
    if byte == b' ' || byte.is_ascii_graphic() { byte.into() } else { '.' }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dump_shows_offsets_numbers_and_letters() {
        let mut out = Vec::new();
        dump(&mut out, b"0123456789abcdef\x00~", 256).unwrap();
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let first = "00000100  30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66  0123456789abcdef";
        assert_eq!(lines[0], first);
        assert!(lines[1].starts_with("00000110  00 7e   "), "{:?}", lines[1]);
        assert!(lines[1].ends_with("  .~"), "{:?}", lines[1]);
    }
}
