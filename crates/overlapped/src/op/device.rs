//! The typed requests to devices.

use super::{Operation, Outcome, typed::sealed};
use crate::{
    buf::{Exchange, IoBuf, IoBufMut},
    error::{Done, Failed, Reply},
};

/// A control code, with what goes into the device and room for what comes out. Gives both back.
pub struct Control<I, O> {
    pub(crate) bufs: Exchange<I, O>,
}

impl<I: IoBuf, O: IoBufMut> sealed::Sealed for Control<I, O> {}
impl<I: IoBuf, O: IoBufMut> Operation for Control<I, O> {
    type Output = Result<Reply<I, O>, Failed<(I, O)>>;
    type Lent = Exchange<I, O>;

    fn lend(&mut self) -> &mut Exchange<I, O> {
        &mut self.bufs
    }

    fn finish(self, outcome: Outcome<'_>) -> Self::Output {
        let more = outcome.about.plan.more;
        let Exchange { input, output, .. } = self.bufs;
        let Done { n, buf: (input, output) } = outcome.transfer((input, output))?;
        Ok(Reply { n, more, input, output })
    }
}
