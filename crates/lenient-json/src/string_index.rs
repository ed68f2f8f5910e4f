//! An index of the quotes of a text, built ahead of the reader.

use crate::simd::{BLOCK, Block, block, controls, equal, set_bits};

/// Quotes in the index at a time.
const CAPACITY: usize = 2 * BLOCK;

/// The quotes of a text, found a block at a time.
#[derive(Debug)]
pub(super) struct StringIndex<'a> {
    text: &'a [u8],
    /// The offset of the next block to index.
    indexed: usize,
    /// Twice the offset of each quote, plus one if there is an escape between it and the previous quote.
    quotes: [usize; CAPACITY],
    /// The first quote that was not consumed yet.
    next: usize,
    /// The number of valid entries in `quotes`.
    count: usize,
    /// Whether the next byte to index is escaped.
    is_escaped: bool,
    /// Whether there was an escape since the last quote.
    had_escape: bool,
    /// Whether a string is open.
    is_open: bool,
    /// The offset of the first byte that is not allowed in a string.
    invalid_at: usize,
}

/// The end of a string.
#[derive(Debug, Clone, Copy)]
pub(super) struct End {
    /// The offset of the closing quote.
    pub(super) at: usize,
    /// Whether the string contains escapes.
    pub(super) escaped: bool,
}

impl<'a> StringIndex<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self {
            text,
            indexed: 0,
            quotes: [0; CAPACITY],
            next: 0,
            count: 0,
            is_escaped: false,
            had_escape: false,
            is_open: false,
            invalid_at: usize::MAX,
        }
    }

    /// The end of the next string; if it is not valid, the offset of the error.
    #[inline]
    pub(super) fn string(&mut self) -> Result<End, usize> {
        if self.next + 2 > self.count {
            self.refill();
        }
        let closing = self.quotes.get(self.next + 1).filter(|_| self.next + 2 <= self.count);
        let end = closing.map_or(self.text.len(), |quote| quote >> 1);
        if self.invalid_at <= end || closing.is_none() {
            return Err(self.invalid_at.min(end));
        }
        self.next += 2;
        Ok(End { at: end, escaped: closing.is_some_and(|quote| quote & 1 == 1) })
    }

    /// Indexes blocks until there is no room for the quotes of another one.
    #[inline(never)]
    fn refill(&mut self) {
        // A quote that is left opens a string: its offset is known to the reader.
        (self.next, self.count) = (0, self.count - self.next);
        while self.count + BLOCK <= CAPACITY && self.indexed < self.text.len() {
            self.index_block(&block(self.text, self.indexed));
            self.indexed += BLOCK;
        }
    }

    #[inline]
    fn index_block(&mut self, block: &Block) {
        let (quotes, backslashes) = (equal(block, b'"'), equal(block, b'\\'));
        let after = self.after_backslashes(backslashes);
        self.check_escapes(after & !(quotes | backslashes));
        let quotes = quotes & !after;
        self.check_controls(controls(block), quotes);
        // Set every bit that is not a quote. Adding the backslash mask then carries into the next quote bit if and only
        // if the string contains an escape.
        let (carried, overflow) = (!quotes).overflowing_add(backslashes);
        let (carried, also_overflow) = carried.overflowing_add(u64::from(self.had_escape));
        self.had_escape = overflow | also_overflow;
        let mut count = self.count;
        for bit in set_bits(quotes) {
            self.quotes[count] = (self.indexed + bit) << 1 | (carried >> bit & 1) as usize;
            count += 1;
        }
        self.is_open ^= (count - self.count) % 2 == 1;
        self.count = count;
    }

    /// A bit for each escaped byte: those after runs of backslashes of odd length. Escaped backslashes are not marked,
    /// except at the start of the block.
    #[inline]
    fn after_backslashes(&mut self, backslashes: u64) -> u64 {
        const EVEN: u64 = u64::MAX / 3;
        let escaped = u64::from(self.is_escaped);
        let backslashes = backslashes & !escaped;
        // Adding its first bit to a run carries into the bit after the run, which shows whether the length is odd.
        let begins = backslashes & !(backslashes << 1);
        let after_even = backslashes.wrapping_add(begins & EVEN) & !backslashes;
        let (after_odd, carry) = backslashes.overflowing_add(begins & !EVEN);
        self.is_escaped = carry;
        let after_odd = after_odd & !backslashes;
        (after_even & !EVEN) | (after_odd & EVEN) | escaped
    }

    /// Checks the escapes whose second bytes are at `others`, neither quotes nor backslashes.
    #[inline]
    fn check_escapes(&mut self, others: u64) {
        for bit in set_bits(others) {
            let at = self.indexed + bit;
            let invalid_at = match self.text.get(at) {
                Some(b'/' | b'b' | b'f' | b'n' | b'r' | b't') => None,
                Some(b'u') => {
                    let digits = self.text[at + 1..].iter().take(4);
                    let count = digits.take_while(|digit| digit.is_ascii_hexdigit()).count();
                    (count < 4).then_some(at + 1 + count)
                }
                _ => Some(at),
            };
            self.invalid_at = self.invalid_at.min(invalid_at.unwrap_or(usize::MAX));
        }
    }

    /// Checks that there are no control characters between quotes.
    #[inline]
    fn check_controls(&mut self, controls: u64, quotes: u64) {
        if controls == 0 {
            return;
        }
        // The parity of the quotes up to each byte: whether the byte is in a string.
        let mut open = quotes;
        for shift in [1, 2, 4, 8, 16, 32] {
            open ^= open << shift;
        }
        if self.is_open {
            open = !open;
        }
        if let Some(bit) = set_bits(controls & open).next() {
            self.invalid_at = self.invalid_at.min(self.indexed + bit);
        }
    }
}
