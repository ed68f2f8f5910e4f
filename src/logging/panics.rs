//! Panics as log lines.

use std::{
    any::Any,
    panic::{self, PanicHookInfo},
    thread,
};

use tracing::error;

/// Logs each panic, instead of writing it to standard error, which may block.
pub(super) fn install_hook() {
    panic::set_hook(Box::new(log));
}

fn log(panic: &PanicHookInfo<'_>) {
    let location = panic.location().map(ToString::to_string).unwrap_or_default();
    let message = literal_message(panic.payload());
    error!(location, thread = thread::current().name(), message, "panic");
}

/// The message if it is a literal in the source. A formatted one may contain values from outside, including secrets.
fn literal_message(payload: &dyn Any) -> Option<&'static str> {
    payload.downcast_ref::<&'static str>().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_literal_message_is_logged() {
        let literal = panic::catch_unwind(|| panic!("a literal")).unwrap_err();
        assert_eq!(literal_message(&*literal), Some("a literal"));
        let secret = std::hint::black_box("secret");
        let formatted = panic::catch_unwind(|| panic!("formatted: {secret}")).unwrap_err();
        assert_eq!(literal_message(&*formatted), None);
    }
}
