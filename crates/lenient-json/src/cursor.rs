//! A pull parser that borrows from the text and skips what is not asked for.
//!
//! Accepts RFC 8259 JSON, except that lone surrogates are tolerated: the string becomes invalid, the document does not.

use std::borrow::Cow;

use crate::{escape::unescape_valid, string_index::StringIndex};

/// The text is not JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not JSON (byte {at})")]
pub struct SyntaxError {
    /// Offset of the first byte that cannot be there.
    at: usize,
}

impl SyntaxError {
    /// What is wrong with `text`, and where. No part of the text is included, because it may contain a secret.
    #[must_use]
    pub fn describe(self, text: &str) -> String {
        let before = &text.as_bytes()[..self.at.min(text.len())];
        let mut lines = before.split(|byte| *byte == b'\n');
        let column = 1 + lines.next_back().map_or(0, <[u8]>::len);
        let line = 1 + lines.count();
        let what = if self.at >= text.len() { "ends too early" } else { "is not JSON" };
        format!("{what} (line {line}, column {column})")
    }
}

type Syntax<T> = Result<T, SyntaxError>;

/// A string as it is written.
#[derive(Debug, Clone, Copy)]
pub struct RawString<'a> {
    /// What is between the quotes.
    pub(crate) inner: &'a str,
    /// Whether it contains escapes.
    pub(crate) escaped: bool,
}

impl<'a> RawString<'a> {
    /// The text; `None` if it contains a lone surrogate.
    #[must_use]
    pub fn text(self) -> Option<Cow<'a, str>> {
        if self.escaped {
            unescape_valid(self.inner).map(Cow::Owned)
        } else {
            Some(Cow::Borrowed(self.inner))
        }
    }
}

/// A position in a text.
#[derive(Debug)]
pub struct Cursor<'a> {
    text: &'a str,
    at: usize,
    strings: StringIndex<'a>,
    /// Closing brackets of the containers being skipped; empty otherwise.
    open: Vec<u8>,
}

impl<'a> Cursor<'a> {
    /// A cursor at the start of `text`.
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0, strings: StringIndex::new(text.as_bytes()), open: Vec::new() }
    }

    /// Skips white space; returns the next byte without consuming it.
    ///
    /// # Errors
    ///
    /// At the end of the text.
    #[inline]
    pub fn peek(&mut self) -> Syntax<u8> {
        match self.bytes().get(self.at) {
            Some(byte) if *byte > b' ' => Ok(*byte),
            _ => self.peek_after_whitespace(),
        }
    }

    #[inline(never)]
    fn peek_after_whitespace(&mut self) -> Syntax<u8> {
        loop {
            match self.bytes().get(self.at) {
                Some(b' ' | b'\n' | b'\t' | b'\r') => self.at += 1,
                Some(byte) => return Ok(*byte),
                None => return Err(self.error()),
            }
        }
    }

    /// Checks that only white space is left.
    ///
    /// # Errors
    ///
    /// If anything else is left.
    pub fn expect_end(&mut self) -> Syntax<()> {
        match self.peek() {
            Err(_) => Ok(()),
            Ok(_) => Err(self.error()),
        }
    }

    /// Reads the object at the cursor, whose opening brace was peeked. `member` must read each value.
    ///
    /// # Errors
    ///
    /// If the text is not JSON, or what `member` returns.
    pub fn object<E: From<SyntaxError>>(
        &mut self,
        mut member: impl FnMut(&mut Self, RawString<'a>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.at += 1;
        if self.peek()? == b'}' {
            self.at += 1;
            return Ok(());
        }
        loop {
            let key = self.key()?;
            member(self, key)?;
            if !self.next_element(b'}')? {
                return Ok(());
            }
        }
    }

    /// Reads the array at the cursor, whose opening bracket was peeked. `element` must read each value.
    ///
    /// # Errors
    ///
    /// If the text is not JSON, or what `element` returns.
    pub fn array<E: From<SyntaxError>>(
        &mut self,
        mut element: impl FnMut(&mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        self.at += 1;
        if self.peek()? == b']' {
            self.at += 1;
            return Ok(());
        }
        loop {
            element(self)?;
            if !self.next_element(b']')? {
                return Ok(());
            }
        }
    }

    /// Reads the string at the cursor.
    ///
    /// # Errors
    ///
    /// If it is not a string of JSON.
    #[inline]
    pub fn string(&mut self) -> Syntax<RawString<'a>> {
        let start = self.at + 1;
        let end = self.strings.string().map_err(|at| SyntaxError { at })?;
        self.at = end.at + 1;
        Ok(RawString { inner: &self.text[start..end.at], escaped: end.escaped })
    }

    /// Reads the number, boolean or null at the cursor, as it is written.
    ///
    /// # Errors
    ///
    /// If it is none of them.
    pub fn literal(&mut self) -> Syntax<&'a str> {
        let start = self.at;
        match self.bytes().get(self.at) {
            Some(b'n') => self.word(b"null")?,
            Some(b't') => self.word(b"true")?,
            Some(b'f') => self.word(b"false")?,
            _ => self.number()?,
        }
        Ok(&self.text[start..self.at])
    }

    /// Skips the value at the cursor, at any depth; returns it as it is written.
    ///
    /// # Errors
    ///
    /// If the text is not JSON.
    pub fn skip(&mut self) -> Syntax<&'a str> {
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
                    // In ASCII, `}` and `]` follow two after `{` and `[`.
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
                _ => drop(self.literal()?),
            }
            loop {
                let Some(&close) = self.open.last() else { return Ok(()) };
                if self.next_element(close)? {
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

    /// Whether another element follows; otherwise consumes the end of the container.
    fn next_element(&mut self, close: u8) -> Syntax<bool> {
        let next = self.peek()?;
        if next != b',' && next != close {
            return Err(self.error());
        }
        self.at += 1;
        Ok(next == b',')
    }

    fn key(&mut self) -> Syntax<RawString<'a>> {
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
