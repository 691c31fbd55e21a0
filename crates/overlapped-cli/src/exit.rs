/// What the process tells the one who started it. The table is in the documentation of the crate
/// and at the end of `overlapped read --help`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Done, with bytes or at the end of the input.
    Done = 0,
    /// The operation, or something that it needs, failed.
    Failed = 1,
    /// The arguments make no sense. `clap` uses the same code.
    Usage = 2,
    /// The time was over and the operation was cancelled.
    TimedOut = 3,
    /// The backend that was asked for does not work here.
    NoBackend = 4,
    /// Something was in flight when nothing should have been.
    InFlight = 5,
    /// A program of the laboratory has another verdict than the stated one.
    OtherVerdict = 6,
}
