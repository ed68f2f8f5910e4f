//! The reader held against `serde_json`.

use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use proptest::prelude::*;

use super::*;

fn scalar(json: &str) -> Scalar<'_> {
    parse(json).unwrap()
}

#[test]
fn a_number_is_read_from_a_number_or_a_text() {
    for json in ["4", "4.0", "\"4\"", "\" 4\\n\"", "4e0", "\"4.0\""] {
        assert_eq!(scalar(json).number(), Ok(Some(4.0)), "{json}");
        assert_eq!(scalar(json).count(), Ok(Some(4)), "{json}");
    }
    for json in ["null", "\"\"", "\" \\n\""] {
        assert_eq!(scalar(json).number(), Ok(None), "{json}");
    }
    for json in ["1e400", "\"NaN\"", "\"inf\"", "true", "[]", "{}", "\"4 GiB\"", "\"\\ud800\""] {
        assert_eq!(scalar(json).number(), Err(Unreadable), "{json}");
    }
}

#[test]
fn a_count_is_whole_exact_and_not_negative() {
    for json in ["-1", "1.5", "9007199254740994", "18446744073709551616", "1e300", "\"-3\""] {
        assert_eq!(scalar(json).count(), Err(Unreadable), "{json}");
    }
    assert_eq!(scalar("-1").integer(), Ok(Some(-1)));
}

#[test]
fn a_text_is_read_from_any_scalar() {
    let cases =
        [("\"a\"", "a"), ("\"\\\"a\\\"\"", "\"a\""), ("17", "17"), ("true", "true"), ("\"\\u00e9\"", "é")];
    for (json, text) in cases {
        assert_eq!(scalar(json).text(), Ok(Some(Cow::Borrowed(text))), "{json}");
    }
    let long = format!("\"{}\"", "x".repeat(MAX_TEXT + 1));
    assert_eq!(scalar(&long).text(), Err(Unreadable));
}

#[test]
fn a_boolean_is_read_in_any_case() {
    assert_eq!(scalar("true").boolean(), Ok(Some(true)));
    assert_eq!(scalar("\"False\"").boolean(), Ok(Some(false)));
    assert_eq!(scalar("1").boolean(), Err(Unreadable));
}

proptest! {
    #[test]
    fn any_text_comes_back_as_it_was(text in ".{1,60}") {
        let json = serde_json::to_string(&text).unwrap();
        let scalar = scalar(&json);
        prop_assert_eq!(scalar.text(), Ok(Some(Cow::Owned(text))));
    }

    #[test]
    fn any_number_comes_back_as_it_was(number in any::<f64>().prop_filter("JSON", |n| n.is_finite())) {
        let json = serde_json::to_string(&number).unwrap();
        prop_assert_eq!(scalar(&json).number(), Ok(Some(number)));
    }

    #[test]
    fn what_is_skipped_is_what_serde_json_takes(text in json_like()) {
        let mut cursor = Cursor::new(&text);
        let skipped = cursor.skip().and_then(|_| cursor.end());
        let reference = serde_json::from_str::<IgnoredAny>(&text);
        prop_assert_eq!(skipped.is_ok(), reference.is_ok(), "{:?}: {:?}", skipped, reference);
    }

    #[test]
    fn a_list_that_is_cut_off_ends_too_early(value in value(), at in any::<proptest::sample::Index>()) {
        let list = format!("[{value}]");
        let cut = first_bytes(&list, at.index(list.len()));
        let told = Cursor::new(cut).skip().unwrap_err().told(cut);
        prop_assert!(told.starts_with("ends too early"), "{told}");
    }

    #[test]
    fn what_is_read_is_what_serde_json_reads(text in json_like()) {
        let wide = serde_json::from_str::<Vec<&RawValue>>(&text);
        if let (Ok(Part::Is(List(elements))), Ok(wide)) = (parse::<Part<List<Scalar<'_>>>>(&text), wide) {
            prop_assert_eq!(elements.len(), wide.len());
            for (element, reference) in elements.iter().zip(wide) {
                let text = serde_json::from_str::<String>(reference.get()).ok();
                match element {
                    Scalar::Text(quoted) => prop_assert_eq!(quoted.text().map(Cow::into_owned), text),
                    Scalar::Bare(bare) | Scalar::Container(bare) => prop_assert_eq!(*bare, reference.get()),
                    Scalar::Absent => prop_assert_eq!(reference.get(), "null"),
                }
            }
        }
    }

    #[test]
    fn a_text_is_unescaped_as_serde_json_does(inner in "([a-z\"\\\\/\u{1}\u{e9}]|\\\\[\"\\\\/bfnrtx]|\\\\u[0-9a-eD8]{4}|[a-z]{6,20}){0,12}") {
        let reference = serde_json::from_str::<String>(&format!("\"{inner}\"")).ok();
        prop_assert_eq!(unescape(&inner).map(Cow::into_owned), reference);
    }
}

/// JSON, and what is nearly JSON.
fn json_like() -> impl Strategy<Value = String> {
    let nearly = r#"{ } [ ] , : null nul true false 0 - -12 01 1.5 1. 2e+7 2e "" "a" "a": "open "\n" "\x" "\u12" "\u00e9" "\ud800""#;
    let others =
        [" ", "\n", "\u{feff}", "\"\u{1}\"", "\"a long text, longer than eight bytes: \u{e9}\\\\\\\"\""];
    let token = proptest::sample::select(nearly.split(' ').chain(others).collect::<Vec<_>>());
    let soup = proptest::collection::vec(token, 0..12).prop_map(|tokens| tokens.concat());
    let cut = (value(), any::<proptest::sample::Index>())
        .prop_map(|(value, at)| first_bytes(&value, at.index(value.len() + 1)).to_owned());
    prop_oneof![soup, value(), cut]
}

/// JSON.
fn value() -> impl Strategy<Value = String> + Clone {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|value| value.to_string()),
        any::<f64>().prop_map(|number| serde_json::to_string(&number).unwrap()),
        any::<i64>().prop_map(|number| number.to_string()),
        ".{0,20}".prop_map(|text| serde_json::to_string(&text).unwrap()),
        "[ -~]{0,40}".prop_map(|text| serde_json::to_string(&serde_json::to_string(&text).unwrap()).unwrap()),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(|all| format!("[{}]", all.join(", "))),
            proptest::collection::vec(("[a-z]{0,9}", inner), 0..5).prop_map(|all| {
                let members: Vec<_> =
                    all.into_iter().map(|(key, value)| format!("{key:?} :{value}")).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

/// As many bytes of `text`, or a few less where a character would be cut.
fn first_bytes(text: &str, count: usize) -> &str {
    (0..=count).rev().find_map(|end| text.get(..end)).unwrap()
}
