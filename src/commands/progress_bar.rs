//! The progress bar of commands that poll once.

use std::{
    convert::Infallible,
    future::pending,
    io::{self, IsTerminal as _},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::sleep;

use crate::api::ListingProgress;

/// How often the bar is redrawn.
const REDRAW_INTERVAL: Duration = Duration::from_millis(100);

/// Shows the progress of the listings if standard error is a terminal.
pub(super) async fn show_progress(progress: &ListingProgress) -> Infallible {
    if !io::stderr().is_terminal() {
        return pending().await;
    }
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} pages, {elapsed}");
    let bar = ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    loop {
        let (read, expected) = progress.pages();
        bar.set_length(expected);
        bar.set_position(read);
        sleep(REDRAW_INTERVAL).await;
    }
}
