//! A copy-on-write view behaves as the file would.

use std::{fs::File, io::Write as _};

use proptest::prelude::*;
use redb::{StorageBackend as _, backends::InMemoryBackend};

use crate::copy_on_write::CopyOnWrite;

#[derive(Debug, Clone)]
enum Operation {
    Write(u64, usize, u8),
    SetLen(u64),
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        3 => (0..20_000_u64, 0..9000_usize, any::<u8>())
            .prop_map(|(offset, len, byte)| Operation::Write(offset, len, byte)),
        1 => (0..20_000_u64).prop_map(Operation::SetLen),
    ]
}

proptest! {
    #[test]
    fn reads_see_the_writes_and_the_file_stays_as_it_is(
        original in proptest::collection::vec(any::<u8>(), 0..20_000),
        operations in proptest::collection::vec(operation(), 0..30),
    ) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&original).unwrap();
        let overlay = CopyOnWrite::new(File::open(file.path()).unwrap()).unwrap();
        let expected = InMemoryBackend::new();
        expected.set_len(original.len() as u64).unwrap();
        expected.write(0, &original).unwrap();
        for operation in operations {
            match operation {
                Operation::SetLen(len) => {
                    overlay.set_len(len).unwrap();
                    expected.set_len(len).unwrap();
                }
                Operation::Write(offset, len, byte) => {
                    let fits = offset + len as u64 <= expected.len().unwrap();
                    prop_assert_eq!(overlay.write(offset, &vec![byte; len]).is_ok(), fits);
                    if fits {
                        expected.write(offset, &vec![byte; len]).unwrap();
                    }
                }
            }
            let len = usize::try_from(expected.len().unwrap()).unwrap();
            prop_assert_eq!(overlay.len().unwrap(), len as u64);
            let (mut seen, mut wanted) = (vec![1; len], vec![2; len]);
            overlay.read(0, &mut seen).unwrap();
            expected.read(0, &mut wanted).unwrap();
            prop_assert!(seen == wanted);
            prop_assert!(overlay.read(1, &mut seen).is_err() || len == 0);
        }
        prop_assert_eq!(std::fs::read(file.path()).unwrap(), original);
    }
}
