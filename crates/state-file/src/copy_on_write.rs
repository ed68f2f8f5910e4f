//! A view of a file that can be written without changing the file.
//!
//! redb writes to a file as it opens it: it repairs, and marks the file as open. A file that turns out to be damaged or
//! of a newer version must stay as it is.

use std::{collections::HashMap, fs::File, io, os::unix::fs::FileExt as _};

use parking_lot::Mutex;
use redb::StorageBackend;

const ZEROS: [u8; 4096] = [0; 4096];
const PAGE_SIZE: u64 = ZEROS.len() as u64;

/// Reads from the file what has not been written; keeps in memory what has.
#[derive(Debug)]
pub(crate) struct CopyOnWrite {
    file: File,
    written: Mutex<Written>,
}

#[derive(Debug)]
struct Written {
    len: u64,
    /// How much of the file is below the overlay: less than the file if the overlay was ever shorter.
    file_len: u64,
    pages: HashMap<u64, Vec<u8>>,
}

impl CopyOnWrite {
    pub(crate) fn new(file: File) -> io::Result<Self> {
        let len = file.metadata()?.len();
        let written = Mutex::new(Written { len, file_len: len, pages: HashMap::new() });
        Ok(Self { file, written })
    }

    fn read_file(&self, written: &Written, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let available = written.file_len.saturating_sub(offset).min(out.len() as u64);
        let (from_file, beyond) = out.split_at_mut(usize::try_from(available).map_err(io::Error::other)?);
        beyond.fill(0);
        self.file.read_exact_at(from_file, offset)
    }

    fn load_page(&self, written: &mut Written, page: u64) -> io::Result<()> {
        if !written.pages.contains_key(&page) {
            let mut bytes = ZEROS.to_vec();
            self.read_file(written, page * PAGE_SIZE, &mut bytes)?;
            written.pages.insert(page, bytes);
        }
        Ok(())
    }
}

/// Calls `each` with the page, the offset in the page and the range in the data, for each page of a range of bytes.
fn for_each_page(
    offset: u64,
    len: usize,
    mut each: impl FnMut(u64, usize, std::ops::Range<usize>) -> io::Result<()>,
) -> io::Result<()> {
    let mut done = 0;
    while done < len {
        let position = offset + done as u64;
        let in_page = usize::try_from(position % PAGE_SIZE).map_err(io::Error::other)?;
        let end = len.min(done + ZEROS.len() - in_page);
        each(position / PAGE_SIZE, in_page, done..end)?;
        done = end;
    }
    Ok(())
}

fn check_bounds(written: &Written, offset: u64, len: usize) -> io::Result<()> {
    let end = offset.checked_add(len as u64);
    if end.is_some_and(|end| end <= written.len) { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

impl StorageBackend for CopyOnWrite {
    fn len(&self) -> io::Result<u64> {
        Ok(self.written.lock().len)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let written = self.written.lock();
        check_bounds(&written, offset, out.len())?;
        for_each_page(offset, out.len(), |page, in_page, range| match written.pages.get(&page) {
            Some(bytes) => {
                let end = in_page + range.len();
                out[range].copy_from_slice(&bytes[in_page..end]);
                Ok(())
            }
            None => self.read_file(&written, page * PAGE_SIZE + in_page as u64, &mut out[range]),
        })
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut written = self.written.lock();
        let kept = len.div_ceil(PAGE_SIZE);
        written.pages.retain(|page, _| *page < kept);
        if let Some(bytes) = written.pages.get_mut(&(len / PAGE_SIZE)) {
            let end = usize::try_from(len % PAGE_SIZE).map_err(io::Error::other)?;
            bytes[end..].fill(0);
        }
        written.file_len = written.file_len.min(len);
        written.len = len;
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut written = self.written.lock();
        check_bounds(&written, offset, data.len())?;
        for_each_page(offset, data.len(), |page, in_page, range| {
            self.load_page(&mut written, page)?;
            if let Some(bytes) = written.pages.get_mut(&page) {
                let end = in_page + range.len();
                bytes[in_page..end].copy_from_slice(&data[range]);
            }
            Ok(())
        })
    }
}
