//! Cases of the conformance suite beside those that run on any port: what needs an operating system
//! around it that its own calls reach, and buffers that cannot be written in safe code.

#[cfg(target_os = "linux")]
mod crowds;
#[cfg(target_os = "linux")]
mod descriptors;
#[cfg(target_os = "linux")]
mod devices;
mod direct;
mod hostile;
mod memory;
mod storms;
#[cfg(target_os = "linux")]
mod tables;

use overlapped_sim::conformance::{Case, Needs, cases};

/// All cases that can run where `offered` is offered.
pub(crate) fn all(offered: Needs) -> impl Iterator<Item = Case> {
    let own = [direct::CASES, hostile::CASES, memory::CASES]
        .into_iter()
        .chain(linux::CASES.iter().copied());
    let own = own.flatten().copied().filter(move |case| case.needs <= offered);
    cases(offered).chain(own)
}

#[cfg(target_os = "linux")]
mod linux {
    use super::{Case, crowds, descriptors, devices, tables};

    pub(super) const CASES: &[&[Case]] =
        &[crowds::CASES, descriptors::CASES, devices::CASES, tables::CASES];
}

#[cfg(not(target_os = "linux"))]
mod linux {
    pub(super) const CASES: &[&[super::Case]] = &[];
}
