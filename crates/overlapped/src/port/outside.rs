//! What other threads want of a shard that belongs to one thread: they leave it here, and ring if
//! that thread sleeps.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::Ordering::{Release, SeqCst},
    },
};

use super::Shard;
use crate::{
    backend::Bell,
    sync::{AtomicBool, Mutex, MutexGuard, in_this_order, lock},
};

pub(super) type Post<S> = Box<dyn FnOnce(&Arc<S>) + Send>;

/// `S` is [`Shard`] but for the models.
pub(super) struct Outside<S = Shard> {
    posts: Mutex<Posts<S>>,
    /// Somebody has left something since the owner looked last.
    called: AtomicBool,
    /// The owner sleeps, or is about to.
    asleep: AtomicBool,
    bell: Arc<dyn Bell>,
}

struct Posts<S> {
    queue: VecDeque<Post<S>>,
    /// The owner has gone, and takes nothing any more.
    ended: bool,
}

/// The box is open: what is put in is seen by the owner, whom closing it calls.
pub(super) struct Open<'a, S> {
    outside: &'a Outside<S>,
    posts: Option<MutexGuard<'a, Posts<S>>>,
}

impl<S> Outside<S> {
    pub(super) fn new(bell: Arc<dyn Bell>) -> Self {
        let posts = Mutex::new(Posts { queue: VecDeque::new(), ended: false });
        let (called, asleep) = (AtomicBool::new(false), AtomicBool::new(false));
        Self { posts, called, asleep, bell }
    }

    /// `None` once the owner has gone.
    pub(super) fn open(&self) -> Option<Open<'_, S>> {
        let posts = lock(&self.posts);
        if posts.ended { None } else { Some(Open { outside: self, posts: Some(posts) }) }
    }

    /// Has the owner look, now if it sleeps.
    pub(super) fn call(&self) {
        // First the note, then the look: the owner first lies down and then looks for a note.
        self.called.store(true, SeqCst);
        in_this_order();
        if self.asleep.load(SeqCst) {
            self.bell.ring();
        }
    }

    /// Whether the owner was called, and how much is there for it.
    pub(super) fn waiting(&self) -> Option<usize> {
        if !self.called.load(SeqCst) {
            return None;
        }
        Some(self.heed(&lock(&self.posts)))
    }

    /// The call is over when nothing is left. Who puts in something calls after that, and so after
    /// this.
    fn heed(&self, posts: &Posts<S>) -> usize {
        if posts.queue.is_empty() {
            self.called.store(false, SeqCst);
        }
        posts.queue.len()
    }

    /// The owner takes what was left first. One at a time: what it does may lead here again, and
    /// must find the rest in order; nor is the rest lost if it panics.
    pub(super) fn next(&self) -> Option<Post<S>> {
        let mut posts = lock(&self.posts);
        let post = posts.queue.pop_front();
        self.heed(&posts);
        post
    }

    /// Runs `sleep`, by which the owner sleeps until the bell rings. It is told whether the owner
    /// was called by now, and then must not sleep. A ring that comes late is heard at the next
    /// wait, which then returns at once.
    pub(super) fn rest(&self, sleep: impl FnOnce(bool)) {
        self.asleep.store(true, SeqCst);
        in_this_order();
        sleep(self.called.load(SeqCst));
        self.asleep.store(false, Release);
    }

    /// The owner goes, if nothing is left; whether it does. Who then finds the box closed knows
    /// that everything before has been done.
    pub(super) fn end(&self) -> bool {
        let mut posts = lock(&self.posts);
        posts.ended |= posts.queue.is_empty();
        posts.ended
    }
}

impl<S> Open<'_, S> {
    pub(super) fn push(&mut self, post: impl FnOnce(&Arc<S>) + Send + 'static) {
        if let Some(posts) = &mut self.posts {
            posts.queue.push_back(Box::new(post));
        }
    }
}

impl<S> Drop for Open<'_, S> {
    fn drop(&mut self) {
        drop(self.posts.take());
        self.outside.call();
    }
}
