//! A bounded queue of log lines with a writer thread.

use std::{
    fmt,
    io::{self, Write},
    mem,
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::Duration,
};

use memchr::memchr_iter;
use parking_lot::{Condvar, Mutex};
use tracing::warn;
use tracing_subscriber::fmt::MakeWriter;

/// Maximum number of queued bytes. The writer may hold as many again.
const MAX_QUEUED_BYTES: usize = 1 << 20;

/// The pause before another attempt if the file is non-blocking and full.
const RETRY_INTERVAL: Duration = Duration::from_millis(20);

/// Lines on their way to a file that may block without limit, such as a pipe without a reader.
///
/// Pushing a line never waits for the file. A line that does not fit is dropped and counted.
pub(super) struct LogQueue {
    state: Mutex<State>,
    changed: Condvar,
    dropped: AtomicU64,
}

struct State {
    lines: Vec<u8>,
    has_writer: bool,
    is_writing: bool,
}

impl LogQueue {
    pub(super) const fn new() -> Self {
        let state = State { lines: Vec::new(), has_writer: false, is_writing: false };
        Self { state: Mutex::new(state), changed: Condvar::new(), dropped: AtomicU64::new(0) }
    }

    /// Starts the thread that writes to the file of `open`, unless it already runs.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be opened or no thread can be started.
    pub(super) fn start<F: Write + Send + 'static>(
        &'static self,
        open: impl FnOnce() -> io::Result<F>,
    ) -> io::Result<()> {
        let mut state = self.state.lock();
        if !state.has_writer {
            let file = open()?;
            thread::Builder::new().name("log".to_owned()).spawn(move || self.write_lines(file))?;
            state.has_writer = true;
        }
        Ok(())
    }

    /// Adds a line, or drops it if the queue is full.
    pub(super) fn push(&self, line: &[u8]) {
        let mut state = self.state.lock();
        if state.lines.len() + line.len() > MAX_QUEUED_BYTES {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        } else {
            state.lines.extend_from_slice(line);
            self.changed.notify_all();
        }
    }

    /// Waits until everything is written, for at most `timeout`.
    pub(super) fn flush(&self, timeout: Duration) {
        let mut state = self.state.lock();
        let is_unwritten = |state: &mut State| state.is_writing || !state.lines.is_empty();
        self.changed.wait_while_for(&mut state, is_unwritten, timeout);
    }

    /// The number of lines that were dropped since the start.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    fn write_lines(&self, mut file: impl Write) {
        let (mut lines, mut reported) = (Vec::new(), 0);
        loop {
            self.take(&mut lines);
            let unwritten = write(&mut file, &lines);
            let lost = memchr_iter(b'\n', &lines[lines.len() - unwritten..]).count();
            self.dropped.fetch_add(lost as u64, Ordering::Relaxed);
            lines.clear();
            let dropped = self.dropped();
            // Only once the file takes lines again: a line about a file that fails would fail as well.
            if unwritten == 0 && dropped > reported {
                warn!(lines = dropped - reported, "log lines dropped because standard error was not read");
                reported = dropped;
            }
        }
    }

    /// Waits for lines and moves them into the empty buffer `lines`.
    fn take(&self, lines: &mut Vec<u8>) {
        let mut state = self.state.lock();
        state.is_writing = false;
        self.changed.notify_all();
        self.changed.wait_while(&mut state, |state| state.lines.is_empty());
        state.is_writing = true;
        mem::swap(&mut state.lines, lines);
    }
}

impl fmt::Debug for LogQueue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("LogQueue").field("dropped", &self.dropped()).finish_non_exhaustive()
    }
}

/// Writes as many bytes as the file accepts; returns the number of the others.
fn write(file: &mut impl Write, mut bytes: &[u8]) -> usize {
    while !bytes.is_empty() {
        match file.write(bytes) {
            Ok(0) => break,
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(RETRY_INTERVAL),
            // For example a pipe whose reader is gone. The next lines may have another reader.
            Err(_) => break,
        }
    }
    bytes.len()
}

/// A formatted line arrives in one call of `write`.
impl Write for &LogQueue {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'q> MakeWriter<'q> for &'static LogQueue {
    type Writer = Self;

    fn make_writer(&'q self) -> Self {
        self
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// A long time, which no test waits for unless it fails.
    const PATIENCE: Duration = Duration::from_secs(60);

    /// A file that takes nothing until it is told to.
    struct Blocked {
        released: mpsc::Receiver<()>,
        written: mpsc::Sender<Vec<u8>>,
    }

    impl Write for Blocked {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // An error means that the file is released for good.
            let _ = self.released.recv();
            self.written.send(bytes.to_vec()).unwrap();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn queue() -> &'static LogQueue {
        Box::leak(Box::new(LogQueue::new()))
    }

    #[test]
    fn a_blocked_file_blocks_no_line_and_the_queue_stays_bounded() {
        let queue = queue();
        let (release, released) = mpsc::channel();
        let (written, output) = mpsc::channel();
        queue.start(|| Ok(Blocked { released, written })).unwrap();
        let line = [&[b'x'; 999][..], b"\n"].concat();
        for _ in 0..10_000 {
            queue.push(&line);
        }
        queue.flush(Duration::from_millis(1));
        let kept = 10_000 - usize::try_from(queue.dropped()).unwrap();
        assert!(kept * line.len() <= 2 * MAX_QUEUED_BYTES && kept > 1000, "{kept}");
        drop(release);
        queue.flush(PATIENCE);
        let bytes: usize = output.try_iter().map(|bytes| bytes.len()).sum();
        assert_eq!(bytes, kept * line.len(), "the lines that were kept are written");
    }

    #[test]
    fn lines_are_written_in_order_and_a_flush_waits_for_them() {
        let queue = queue();
        let (release, released) = mpsc::channel();
        let (written, output) = mpsc::channel();
        drop(release);
        queue.push(b"before the start\n");
        queue.start(|| Ok(Blocked { released, written })).unwrap();
        for number in 0..100 {
            queue.push(format!("{number}\n").as_bytes());
        }
        queue.flush(PATIENCE);
        let text = String::from_utf8(output.try_iter().flatten().collect()).unwrap();
        let numbers = (0..100).map(|number| format!("{number}\n"));
        assert_eq!(text, "before the start\n".to_owned() + &numbers.collect::<String>());
        assert_eq!(queue.dropped(), 0);
    }

    #[test]
    fn lines_that_a_file_refuses_are_counted_as_dropped() {
        let queue = queue();
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        queue.start(|| Ok(full)).unwrap();
        queue.push(b"one\ntwo\n");
        queue.flush(PATIENCE);
        assert_eq!(queue.dropped(), 2);
    }

    #[test]
    fn a_non_blocking_file_is_tried_again() {
        struct SometimesFull(bool, mpsc::Sender<u8>);
        impl Write for SometimesFull {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0 = !self.0;
                if self.0 {
                    return Err(io::ErrorKind::WouldBlock.into());
                }
                self.1.send(bytes[0]).unwrap();
                Ok(1)
            }

            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let queue = queue();
        let (sender, receiver) = mpsc::channel();
        queue.start(|| Ok(SometimesFull(false, sender))).unwrap();
        queue.push(b"line\n");
        queue.flush(PATIENCE);
        assert_eq!(receiver.try_iter().collect::<Vec<_>>(), b"line\n");
    }
}
