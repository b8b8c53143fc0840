//! A value that is nearly always there at once, and now and then has to be waited for.
//!
//! An async function that could wait keeps room for it in the state of every request; this keeps the rare wait on the
//! heap.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

/// What has to be waited for.
pub type Wait<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// A future that is either its value or a box.
pub enum Soon<'a, T> {
    /// Here it is. `None` once it was taken.
    Now(Option<T>),
    /// It has to be waited for.
    Later(Wait<'a, T>),
}

impl<'a, T: 'a> Soon<'a, T> {
    /// The value itself.
    pub fn now(value: T) -> Soon<'a, T> {
        Soon::Now(Some(value))
    }

    /// The value of `future`.
    pub fn later(future: impl Future<Output = T> + 'a) -> Soon<'a, T> {
        Soon::Later(Box::pin(future))
    }

    /// The value, if it is there at once.
    ///
    /// # Errors
    /// What is to be waited for.
    pub fn at_once(self) -> Result<T, Wait<'a, T>> {
        match self {
            Soon::Now(Some(value)) => Ok(value),
            Soon::Later(future) => Err(future),
            // Nobody asks again for what was taken.
            Soon::Now(None) => Err(Box::pin(std::future::pending())),
        }
    }
}

impl<T: Unpin> Future for Soon<'_, T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        match &mut *self {
            // Nobody asks a future again that was ready.
            Soon::Now(value) => value.take().map_or(Poll::Pending, Poll::Ready),
            Soon::Later(future) => future.as_mut().poll(context),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_value_comes_at_once_or_when_its_future_is_done() {
        assert_eq!(Soon::now(1).await, 1);
        let later = Soon::later(async {
            tokio::task::yield_now().await;
            2
        });
        assert_eq!(later.await, 2);
    }
}
