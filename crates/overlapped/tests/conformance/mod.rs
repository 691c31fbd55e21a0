//! Cases of the conformance suite beside those that run on any port: what needs an operating system
//! around it that its own calls reach, and buffers that cannot be written in safe code.

#[cfg(any(target_os = "linux", windows))]
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
    let own = [direct::CASES, hostile::CASES, memory::CASES].into_iter();
    let own = own.chain(OF_THIS_SYSTEM.iter().copied()).flatten().copied();
    cases(offered).chain(own.filter(move |case| case.needs <= offered))
}

#[cfg(target_os = "linux")]
const OF_THIS_SYSTEM: &[&[Case]] =
    &[crowds::CASES, descriptors::CASES, devices::CASES, tables::CASES];
#[cfg(windows)]
const OF_THIS_SYSTEM: &[&[Case]] = &[crowds::CASES];
#[cfg(not(any(target_os = "linux", windows)))]
const OF_THIS_SYSTEM: &[&[Case]] = &[];
