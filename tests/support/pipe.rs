//! Pipes that are full.

use std::{
    fs::File,
    io::{self, PipeReader, Read as _, Write as _, pipe},
    os::fd::{AsFd, OwnedFd},
};

use nix::fcntl::{FcntlArg, OFlag, fcntl};

/// A full pipe. A blocking write to it waits until a reader makes room.
pub(crate) struct FullPipe {
    reader: PipeReader,
    writer: File,
}

impl FullPipe {
    pub(crate) fn new() -> Self {
        let (reader, writer) = pipe().unwrap();
        set_flags(&writer, OFlag::O_NONBLOCK);
        let mut writer = File::from(OwnedFd::from(writer));
        let full = loop {
            if let Err(error) = writer.write(b"full ") {
                break error;
            }
        };
        assert_eq!(full.kind(), io::ErrorKind::WouldBlock);
        set_flags(&writer, OFlag::empty());
        Self { reader, writer }
    }

    /// The end that the program writes to.
    pub(crate) fn writer(&self) -> File {
        self.writer.try_clone().unwrap()
    }

    /// Reads until all writers are closed.
    pub(crate) fn read_to_end(self) -> String {
        let Self { mut reader, writer } = self;
        drop(writer);
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        text
    }
}

fn set_flags(file: &impl AsFd, flags: OFlag) {
    fcntl(file.as_fd(), FcntlArg::F_SETFL(flags)).unwrap();
}
