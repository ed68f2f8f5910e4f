//! Walks over JSON text, skipping what nobody asks for without a copy.
//!
//! Takes what RFC 8259 calls JSON and nothing else, but for this: a string may hold half a surrogate pair, since
//! then it can't be read, and the rest of the text can.

use std::borrow::Cow;

use super::{escape::unescape_valid, quotes::Quotes};

/// Where a text stops being JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::api) struct SyntaxError {
    at: usize,
}

impl SyntaxError {
    /// What is wrong with `text`, and where; nothing of it is shown, since it may hold a secret.
    pub(in crate::api) fn told(self, text: &str) -> String {
        let before = &text.as_bytes()[..self.at.min(text.len())];
        let mut lines = before.split(|byte| *byte == b'\n');
        let column = 1 + lines.next_back().map_or(0, <[u8]>::len);
        let line = 1 + lines.count();
        let what = if self.at >= text.len() { "ends too early" } else { "is not JSON" };
        format!("{what} (line {line}, column {column})")
    }
}

type Syntax<T> = Result<T, SyntaxError>;

/// A string as it stands in the text.
#[derive(Debug, Clone, Copy)]
pub(in crate::api) struct Quoted<'a> {
    /// What stands between the quotes.
    pub(super) inner: &'a str,
    /// Whether there are escapes in it.
    pub(super) escaped: bool,
}

impl<'a> Quoted<'a> {
    /// The text; nothing where it holds half a surrogate pair.
    pub(in crate::api) fn text(self) -> Option<Cow<'a, str>> {
        if self.escaped {
            unescape_valid(self.inner).map(Cow::Owned)
        } else {
            Some(Cow::Borrowed(self.inner))
        }
    }
}

/// A place in a text.
#[derive(Debug)]
pub(in crate::api) struct Cursor<'a> {
    text: &'a str,
    at: usize,
    quotes: Quotes<'a>,
    /// What closes the containers that are being skipped; empty between two skips.
    open: Vec<u8>,
}

impl<'a> Cursor<'a> {
    /// The start of `text`.
    pub(in crate::api) fn new(text: &'a str) -> Self {
        Self { text, at: 0, quotes: Quotes::of(text.as_bytes()), open: Vec::new() }
    }

    /// The next byte that is no space.
    #[inline]
    pub(in crate::api) fn peek(&mut self) -> Syntax<u8> {
        match self.bytes().get(self.at) {
            Some(byte) if *byte > b' ' => Ok(*byte),
            _ => self.peek_behind_spaces(),
        }
    }

    #[inline(never)]
    fn peek_behind_spaces(&mut self) -> Syntax<u8> {
        loop {
            match self.bytes().get(self.at) {
                Some(b' ' | b'\n' | b'\t' | b'\r') => self.at += 1,
                Some(byte) => return Ok(*byte),
                None => return Err(self.error()),
            }
        }
    }

    /// Makes sure that there is nothing more.
    pub(in crate::api) fn end(&mut self) -> Syntax<()> {
        match self.peek() {
            Err(_) => Ok(()),
            Ok(_) => Err(self.error()),
        }
    }

    /// Reads the object that stands here: `member` must read each value.
    pub(in crate::api) fn object(
        &mut self,
        mut member: impl FnMut(&mut Self, Quoted<'a>) -> Syntax<()>,
    ) -> Syntax<()> {
        self.at += 1;
        if self.peek()? == b'}' {
            self.at += 1;
            return Ok(());
        }
        loop {
            let key = self.key()?;
            member(self, key)?;
            if !self.goes_on(b'}')? {
                return Ok(());
            }
        }
    }

    /// Reads the list that stands here: `element` must read each value.
    pub(in crate::api) fn list(&mut self, mut element: impl FnMut(&mut Self) -> Syntax<()>) -> Syntax<()> {
        self.at += 1;
        if self.peek()? == b']' {
            self.at += 1;
            return Ok(());
        }
        loop {
            element(self)?;
            if !self.goes_on(b']')? {
                return Ok(());
            }
        }
    }

    /// Reads the string that stands here.
    #[inline]
    pub(in crate::api) fn string(&mut self) -> Syntax<Quoted<'a>> {
        let start = self.at + 1;
        let end = self.quotes.string().map_err(|at| SyntaxError { at })?;
        self.at = end.at + 1;
        Ok(Quoted { inner: &self.text[start..end.at], escaped: end.escaped })
    }

    /// Reads the number, the boolean or the null that stands here, as it is written.
    pub(in crate::api) fn bare(&mut self) -> Syntax<&'a str> {
        let start = self.at;
        match self.bytes().get(self.at) {
            Some(b'n') => self.word(b"null")?,
            Some(b't') => self.word(b"true")?,
            Some(b'f') => self.word(b"false")?,
            _ => self.number()?,
        }
        Ok(&self.text[start..self.at])
    }

    /// Skips the value that stands here, however deep it is; gives it as it is written.
    pub(in crate::api) fn skip(&mut self) -> Syntax<&'a str> {
        self.peek()?;
        let start = self.at;
        self.skip_value()?;
        Ok(&self.text[start..self.at])
    }

    fn skip_value(&mut self) -> Syntax<()> {
        loop {
            match self.peek()? {
                b'"' => drop(self.string()?),
                open @ (b'{' | b'[') => {
                    self.at += 1;
                    // `}` and `]` stand two after what they close.
                    let close = open + 2;
                    if self.peek()? == close {
                        self.at += 1;
                    } else {
                        if close == b'}' {
                            self.key()?;
                        }
                        self.open.push(close);
                        continue;
                    }
                }
                _ => drop(self.bare()?),
            }
            loop {
                let Some(&close) = self.open.last() else { return Ok(()) };
                if self.goes_on(close)? {
                    if close == b'}' {
                        self.key()?;
                    }
                    break;
                }
                self.open.pop();
            }
        }
    }

    fn bytes(&self) -> &'a [u8] {
        self.text.as_bytes()
    }

    /// Whether another value follows, or the container's end.
    fn goes_on(&mut self, close: u8) -> Syntax<bool> {
        let next = self.peek()?;
        if next != b',' && next != close {
            return Err(self.error());
        }
        self.at += 1;
        Ok(next == b',')
    }

    fn key(&mut self) -> Syntax<Quoted<'a>> {
        if self.peek()? != b'"' {
            return Err(self.error());
        }
        let key = self.string()?;
        if self.peek()? != b':' {
            return Err(self.error());
        }
        self.at += 1;
        self.peek()?;
        Ok(key)
    }

    fn word(&mut self, word: &[u8]) -> Syntax<()> {
        for byte in word {
            if self.bytes().get(self.at) != Some(byte) {
                return Err(self.error());
            }
            self.at += 1;
        }
        Ok(())
    }

    fn number(&mut self) -> Syntax<()> {
        let text = self.bytes();
        let mut at = self.at;
        let is = |at: usize, any: &[u8]| text.get(at).is_some_and(|byte| any.contains(byte));
        let digits = |at: usize| {
            let count = text[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            if count == 0 { Err(SyntaxError { at }) } else { Ok(at + count) }
        };
        at += usize::from(is(at, b"-"));
        // No digit follows a leading zero.
        at = if is(at, b"0") { at + 1 } else { digits(at)? };
        if is(at, b".") {
            at = digits(at + 1)?;
        }
        if is(at, b"eE") {
            at += 1;
            at = digits(at + usize::from(is(at, b"+-")))?;
        }
        self.at = at;
        Ok(())
    }

    fn error(&self) -> SyntaxError {
        SyntaxError { at: self.at }
    }
}
