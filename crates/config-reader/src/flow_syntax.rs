//! Lists and tables in one environment variable, in YAML's flow syntax: `[{id: a1, region: cn-hangzhou, namespaces: [n1, n2]}]`.
//!
//! Unlike YAML, a word without quotes always stays text: YAML takes `0123` for a number, and `no` for false in some versions.
//! The type expected at the key decides. The syntax of figment's environment provider, with `=` for `:`, is accepted too.

use figment::value::{Dict, Value};

const DEEPEST: usize = 16;

/// Reads one value; the error says what is expected where, and never repeats the text, which may hold a secret.
pub(crate) fn parse(text: &str) -> Result<Value, String> {
    let mut parser = Parser { text, position: 0 };
    let value = parser.value(0)?;
    match parser.peek() {
        None => Ok(value),
        Some(_) => Err(parser.expected("the end")),
    }
}

struct Parser<'a> {
    text: &'a str,
    position: usize,
}

impl Parser<'_> {
    fn value(&mut self, depth: usize) -> Result<Value, String> {
        if depth > DEEPEST {
            return Err(self.expected("fewer levels"));
        }
        match self.peek() {
            Some('{') => self.table(depth).map(Value::from),
            Some('[') => self.list(depth).map(Value::from),
            Some('"') => self.quoted().map(Value::from),
            Some('\'') => self.literal().map(Value::from),
            _ => self.bare().map(Value::from),
        }
    }

    fn table(&mut self, depth: usize) -> Result<Dict, String> {
        let mut table = Dict::new();
        self.eat('{');
        while !self.eat('}') {
            let key = self.key()?;
            if !self.eat(':') && !self.eat('=') {
                return Err(self.expected("`:`"));
            }
            if table.contains_key(&key) {
                return Err(self.expected("each key once"));
            }
            table.insert(key, self.value(depth + 1)?);
            self.separator('}')?;
        }
        Ok(table)
    }

    fn list(&mut self, depth: usize) -> Result<Vec<Value>, String> {
        let mut list = Vec::new();
        self.eat('[');
        while !self.eat(']') {
            list.push(self.value(depth + 1)?);
            self.separator(']')?;
        }
        Ok(list)
    }

    fn key(&mut self) -> Result<String, String> {
        if self.peek() == Some('"') {
            return self.quoted();
        }
        match self.take_while(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-') {
            "" => Err(self.expected("a key")),
            key => Ok(key.to_owned()),
        }
    }

    fn bare(&mut self) -> Result<String, String> {
        match self.take_while(|c| !matches!(c, ',' | '{' | '}' | '[' | ']')).trim_end() {
            "" => Err(self.expected("a value")),
            word => Ok(word.to_owned()),
        }
    }

    fn literal(&mut self) -> Result<String, String> {
        self.eat('\'');
        let mut text = String::new();
        loop {
            text += self.take_while(|c| c != '\'');
            self.close('\'')?;
            if !self.next_is('\'') {
                return Ok(text);
            }
            // Two quotes are one in the text.
            text.push('\'');
            self.position += 1;
        }
    }

    fn quoted(&mut self) -> Result<String, String> {
        self.eat('"');
        let mut text = String::new();
        loop {
            text += self.take_while(|c| c != '"' && c != '\\');
            if !self.next_is('\\') {
                return self.close('"').map(|()| text);
            }
            text.push(self.escaped()?);
        }
    }

    fn escaped(&mut self) -> Result<char, String> {
        let character = match self.rest().chars().nth(1) {
            Some(itself @ ('"' | '\\')) => itself,
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            _ => return Err(self.expected(r#"one of \" \\ \n \r \t"#)),
        };
        self.position += 2;
        Ok(character)
    }

    fn close(&mut self, quote: char) -> Result<(), String> {
        if !self.next_is(quote) {
            return Err(self.expected("the closing quote"));
        }
        self.position += 1;
        Ok(())
    }

    fn separator(&mut self, end: char) -> Result<(), String> {
        if self.eat(',') || self.peek() == Some(end) {
            return Ok(());
        }
        Err(self.expected(&format!("`,` or `{end}`")))
    }

    fn rest(&self) -> &str {
        &self.text[self.position..]
    }

    fn next_is(&self, wanted: char) -> bool {
        self.rest().starts_with(wanted)
    }

    /// The next character after blanks.
    fn peek(&mut self) -> Option<char> {
        let rest = self.rest();
        self.position += rest.len() - rest.trim_start().len();
        self.rest().chars().next()
    }

    fn eat(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.position += wanted.len_utf8();
        }
        found
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &str {
        let start = self.position;
        let rest = self.rest();
        self.position += rest.find(|c| !wanted(c)).unwrap_or(rest.len());
        &self.text[start..self.position]
    }

    fn expected(&self, what: &str) -> String {
        format!("expected {what} at character {}", self.text[..self.position].chars().count() + 1)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn table<const N: usize>(entries: [(&str, Value); N]) -> Value {
        Value::from(entries.into_iter().collect::<std::collections::BTreeMap<_, _>>())
    }

    #[test]
    fn lists_tables_and_words_are_parsed() {
        let strings = |words: &[&str]| Value::from(words.to_vec());
        for (text, value) in [
            ("[a, b ,c]", strings(&["a", "b", "c"])),
            ("[]", strings(&[])),
            (" [ 'it is' , \"a\\\"b\\n\", ] ", strings(&["it is", "a\"b\n"])),
            ("[0123,true,12345,1.50,truenorth]", strings(&["0123", "true", "12345", "1.50", "truenorth"])),
            ("{}", table([])),
            ("{a: 1, \"b c\": [x]}", table([("a", "1".into()), ("b c", strings(&["x"]))])),
            ("{a: 'it''s', url: http://h:1}", table([("a", "it's".into()), ("url", "http://h:1".into())])),
            ("{a=1,\"b c\"=[x]}", table([("a", "1".into()), ("b c", strings(&["x"]))])),
            ("{ a = { b = ' ' } }", table([("a", table([("b", " ".into())]))])),
        ] {
            assert_eq!(parse(text), Ok(value), "{text}");
        }
    }

    #[test]
    fn an_error_names_the_expected_value_and_the_position() {
        for (text, message) in [
            ("[a", "expected `,` or `]` at character 3"),
            ("[a] b", "expected the end at character 5"),
            ("{a}", "expected `:` at character 3"),
            ("{a: b, a: c}", "expected each key once at character 10"),
            ("{:b}", "expected a key at character 2"),
            ("[,]", "expected a value at character 2"),
            ("[\"a]", "expected the closing quote at character 5"),
            ("[\"\\x\"]", "expected one of \\\" \\\\ \\n \\r \\t at character 3"),
            ("", "expected a value at character 1"),
        ] {
            assert_eq!(parse(text), Err(message.to_owned()), "{text}");
        }
        assert!(parse(&"[".repeat(100_000)).is_err());
    }

    proptest! {
        #[test]
        fn quoted_texts_read_as_they_are(texts in proptest::collection::vec(".*", 0..5)) {
            let list: Vec<String> = texts.iter().map(|text| format!("'{}'", text.replace('\'', "''"))).collect();
            prop_assert_eq!(parse(&format!("[{}]", list.join(", "))), Ok(Value::from(texts)));
        }

        #[test]
        fn a_refusal_points_into_the_text(text in r#"[\[\]{}:=,"'\\a杭 ]{0,40}"#) {
            if let Err(message) = parse(&text) {
                let position: usize = message.rsplit(' ').next().unwrap().parse().unwrap();
                prop_assert!(position <= text.chars().count() + 1, "{}", message);
            }
        }
    }
}
