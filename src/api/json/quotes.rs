//! Where the strings of a text begin and end.

use super::blocks::{BLOCK, Block, block, controls, equal, places};

/// So many quotes are kept at the most.
const KEPT: usize = 2 * BLOCK;

/// The quotes of a text, found a block at a time and kept until they are asked for.
#[derive(Debug)]
pub(super) struct Quotes<'a> {
    text: &'a [u8],
    /// So much of the text was looked at.
    seen: usize,
    /// Twice the place of each quote, and one more where an escape stands between it and the quote before.
    kept: [usize; KEPT],
    /// The first of them that was not asked for yet.
    next: usize,
    /// How many of `kept` are quotes.
    count: usize,
    /// Whether the next byte to look at is escaped.
    is_escaped: bool,
    /// Whether there was an escape since the last quote.
    had_escape: bool,
    /// Whether a string is open.
    is_open: bool,
    /// The first byte that stands in a string and can't.
    wrong: usize,
}

/// The end of a string.
#[derive(Debug, Clone, Copy)]
pub(super) struct End {
    /// The place of the closing quote.
    pub(super) at: usize,
    /// Whether there are escapes in the string.
    pub(super) escaped: bool,
}

impl<'a> Quotes<'a> {
    pub(super) fn of(text: &'a [u8]) -> Self {
        Self {
            text,
            seen: 0,
            kept: [0; KEPT],
            next: 0,
            count: 0,
            is_escaped: false,
            had_escape: false,
            is_open: false,
            wrong: usize::MAX,
        }
    }

    /// The end of the next string, if it has one and all that is in it can stand there; else where it goes wrong.
    #[inline]
    pub(super) fn string(&mut self) -> Result<End, usize> {
        if self.next + 2 > self.count {
            self.look();
        }
        let closing = self.kept.get(self.next + 1).filter(|_| self.next + 2 <= self.count);
        let end = closing.map_or(self.text.len(), |quote| quote >> 1);
        if self.wrong <= end || closing.is_none() {
            return Err(self.wrong.min(end));
        }
        self.next += 2;
        Ok(End { at: end, escaped: closing.is_some_and(|quote| quote & 1 == 1) })
    }

    /// Looks for more quotes, until there is no room for those of another block.
    #[inline(never)]
    fn look(&mut self) {
        // One that is left opens a string: where it stands is known.
        (self.next, self.count) = (0, self.count - self.next);
        while self.count + BLOCK <= KEPT && self.seen < self.text.len() {
            self.look_at(&block(self.text, self.seen));
            self.seen += BLOCK;
        }
    }

    #[inline]
    fn look_at(&mut self, block: &Block) {
        let (quotes, backslashes) = (equal(block, b'"'), equal(block, b'\\'));
        let behind = self.behind_backslashes(backslashes);
        self.check_escapes(behind & !(quotes | backslashes));
        let quotes = quotes & !behind;
        self.check_controls(controls(block), quotes);
        // Of all that stands between two quotes ones are made. To add to them the escapes there, one or many, carries a
        // bit into the second quote's place.
        let (carried, over) = (!quotes).overflowing_add(backslashes);
        let (carried, over_too) = carried.overflowing_add(u64::from(self.had_escape));
        self.had_escape = over | over_too;
        let mut count = self.count;
        for place in places(quotes) {
            self.kept[count] = (self.seen + place) << 1 | (carried >> place & 1) as usize;
            count += 1;
        }
        self.is_open ^= (count - self.count) % 2 == 1;
        self.count = count;
    }

    /// Which bytes are escaped: those behind rows of backslashes of odd length. Of escaped backslashes it tells only the
    /// block's first byte.
    #[inline]
    fn behind_backslashes(&mut self, backslashes: u64) -> u64 {
        const EVEN: u64 = u64::MAX / 3;
        let escaped = u64::from(self.is_escaped);
        let backslashes = backslashes & !escaped;
        // To add its first bit to a row carries one into the place behind it, which tells whether the length is odd.
        let begins = backslashes & !(backslashes << 1);
        let behind_even = backslashes.wrapping_add(begins & EVEN) & !backslashes;
        let (behind_odd, goes_on) = backslashes.overflowing_add(begins & !EVEN);
        self.is_escaped = goes_on;
        let behind_odd = behind_odd & !backslashes;
        (behind_even & !EVEN) | (behind_odd & EVEN) | escaped
    }

    /// Checks the escapes whose second bytes are at `strange`, neither quotes nor backslashes.
    #[inline]
    fn check_escapes(&mut self, strange: u64) {
        for place in places(strange) {
            let at = self.seen + place;
            let wrong = match self.text.get(at) {
                Some(b'/' | b'b' | b'f' | b'n' | b'r' | b't') => None,
                Some(b'u') => {
                    let digits = self.text[at + 1..].iter().take(4);
                    let count = digits.take_while(|digit| digit.is_ascii_hexdigit()).count();
                    (count < 4).then_some(at + 1 + count)
                }
                _ => Some(at),
            };
            self.wrong = self.wrong.min(wrong.unwrap_or(usize::MAX));
        }
    }

    /// Checks that no control character stands between an opening quote and the closing one.
    #[inline]
    fn check_controls(&mut self, controls: u64, quotes: u64) {
        if controls == 0 {
            return;
        }
        // The parity of the quotes up to each byte.
        let mut open = quotes;
        for shift in [1, 2, 4, 8, 16, 32] {
            open ^= open << shift;
        }
        if self.is_open {
            open = !open;
        }
        if let Some(place) = places(controls & open).next() {
            self.wrong = self.wrong.min(self.seen + place);
        }
    }
}
