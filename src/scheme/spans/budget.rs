//! How much is looked through for one scheme, all in all: what a config says must not decide how long a check of it takes.

use std::cell::Cell;

/// Steps of all that is asked of a scheme together. The largest of the presets takes a hundredth of it.
const MOST: usize = 1 << 20;

/// What is left of the steps. Once they are spent nothing is known any more, and the scheme is refused.
#[derive(Debug)]
pub(in crate::scheme) struct Budget(Cell<usize>);

impl Default for Budget {
    fn default() -> Budget {
        Budget(Cell::new(MOST))
    }
}

impl Budget {
    /// Takes so many steps; `None` where there are not as many left.
    pub(in crate::scheme) fn spend(&self, steps: usize) -> Option<()> {
        let left = self.0.get().checked_sub(steps);
        self.0.set(left.unwrap_or(0));
        left.map(drop)
    }

    /// Whether something was not looked through, or the next will not be.
    pub(in crate::scheme) fn is_spent(&self) -> bool {
        self.0.get() == 0
    }
}
