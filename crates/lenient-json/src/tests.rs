//! The reader held against `serde_json`.

use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use proptest::prelude::*;

use std::borrow::Cow;

use crate::{
    escape::{unescape_json, unescape_times},
    scalar::ScalarKind,
    *,
};

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
        assert_eq!(scalar(json).number(), Err(InvalidValue), "{json}");
    }
}

#[test]
fn a_count_is_whole_exact_and_not_negative() {
    for json in ["-1", "1.5", "9007199254740994", "18446744073709551616", "1e300", "\"-3\""] {
        assert_eq!(scalar(json).count(), Err(InvalidValue), "{json}");
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
    assert_eq!(scalar(&long).text(), Err(InvalidValue));
}

#[test]
fn a_boolean_is_read_in_any_case() {
    assert_eq!(scalar("true").boolean(), Ok(Some(true)));
    assert_eq!(scalar("\"False\"").boolean(), Ok(Some(false)));
    assert_eq!(scalar("1").boolean(), Err(InvalidValue));
}

#[test]
fn strings_are_read_alike_at_any_position() {
    let inners = [
        "",
        "a",
        "\u{e9}",
        "\u{1}",
        "\n",
        "\"",
        "\\",
        "\\n",
        "\\\\",
        "\\\"",
        "\\\\\\\"",
        "\\\\\\\\\\",
        "\\x",
        "\\\u{e9}",
        "\\u00e9",
        "\\u12",
        "\\u123",
        "\\u123g",
        "\\ud83d\\ude00",
        "\\ud83d",
        "\\\\x",
        "\\\"\u{1}",
    ];
    for (inner, before, after) in inners
        .into_iter()
        .flat_map(|inner| (0..=130).map(move |before| (inner, before)))
        .flat_map(|(inner, before)| [0, 70, 140].map(|after| (inner, before, after)))
    {
        let json = format!("[\n\"{}{inner}{}\", \"z\"]", "x".repeat(before), "y".repeat(after));
        let reference = serde_json::from_str::<Vec<String>>(&json).ok();
        let read = parse::<Lenient<Array<Scalar<'_>>>>(&json).ok();
        assert_eq!(read.is_some(), serde_json::from_str::<IgnoredAny>(&json).is_ok(), "{json}");
        let texts = read.and_then(|array| {
            let Lenient::Valid(Array(elements)) = array else { return None };
            elements
                .iter()
                .map(|element| Some(element.json_text().ok()??.into_owned()))
                .collect::<Option<Vec<_>>>()
        });
        assert_eq!(texts, reference, "{inner:?} behind {before} bytes, before {after}");
    }
}

proptest! {
    #[test]
    fn any_text_survives_a_round_trip(text in ".{1,60}") {
        let json = serde_json::to_string(&text).unwrap();
        let scalar = scalar(&json);
        prop_assert_eq!(scalar.text(), Ok(Some(Cow::Owned(text))));
    }

    #[test]
    fn any_number_survives_a_round_trip(number in any::<f64>().prop_filter("JSON", |n| n.is_finite())) {
        let json = serde_json::to_string(&number).unwrap();
        prop_assert_eq!(scalar(&json).number(), Ok(Some(number)));
    }

    #[test]
    fn skipping_accepts_what_serde_json_accepts(text in json_like()) {
        let mut cursor = Cursor::new(&text);
        let skipped = cursor.skip().and_then(|_| cursor.expect_end());
        let reference = serde_json::from_str::<IgnoredAny>(&text);
        prop_assert_eq!(skipped.is_ok(), reference.is_ok(), "{:?}: {:?}", skipped, reference);
    }

    #[test]
    fn a_list_that_is_cut_off_ends_too_early(value in value(), at in any::<proptest::sample::Index>()) {
        let list = format!("[{value}]");
        let cut = first_bytes(&list, at.index(list.len()));
        let error = Cursor::new(cut).skip().unwrap_err().describe(cut);
        prop_assert!(error.starts_with("ends too early"), "{error}");
    }

    #[test]
    fn reading_agrees_with_serde_json(text in json_like()) {
        let wide = serde_json::from_str::<Vec<&RawValue>>(&text);
        if let (Ok(Lenient::Valid(Array(elements))), Ok(wide)) = (parse::<Lenient<Array<Scalar<'_>>>>(&text), wide) {
            prop_assert_eq!(elements.len(), wide.len());
            for (element, reference) in elements.iter().zip(wide) {
                let text = element.json_text().ok().flatten().map(Cow::into_owned);
                match element.kind {
                    ScalarKind::Plain | ScalarKind::Escaped => {
                        prop_assert_eq!(text, serde_json::from_str::<String>(reference.get()).ok());
                    }
                    ScalarKind::Literal | ScalarKind::Container => prop_assert_eq!(element.text, reference.get()),
                    ScalarKind::Absent => prop_assert_eq!(reference.get(), "null"),
                }
            }
        }
    }

    #[test]
    fn a_text_is_unescaped_as_serde_json_does(inner in "([a-z\"\\\\/\u{1}\u{e9}]|\\\\[\"\\\\/bfnrtx]|\\\\u[0-9a-eD8]{4}|[a-z]{6,20}){0,12}") {
        let json = format!("\"{inner}\"");
        let reference = serde_json::from_str::<String>(&json).ok();
        let text = parse::<Scalar<'_>>(&json).ok().and_then(|scalar| scalar.json_text().ok()?);
        prop_assert_eq!(text.map(Cow::into_owned), reference);
    }

    #[test]
    fn text_is_unescaped_as_often_as_its_first_quote_requires(value in members(), times in 1_u32..=4) {
        let mut json = value.clone();
        for _ in 0..times {
            json = inside(&json);
        }
        let mut memory = b"of another text".to_vec();
        let text = unescape_json(&json, 4, &mut memory);
        // By number it may be left to others.
        prop_assert!(text == Some(value.as_str()) || (text.is_none() && value.contains("\\u")), "{json}: {text:?}");
        prop_assert_eq!(unescape_json(&json, times - 1, &mut memory), None);
    }

    #[test]
    fn unescaping_in_one_step_equals_unescaping_step_by_step(
        inner in "([a-z{}:\u{e9}]|(\\\\\\\\){0,3}\\\\[\"n/]|(\\\\\\\\){1,4}[a-z]|\\\\u00e9|[a-z]{6,20}){0,30}",
        times in 1_u32..=4,
    ) {
        let steps = (0..times).try_fold(inner.clone(), |text, _| unescape(&text));
        let mut memory = Vec::new();
        let at_once = unescape_times(&inner, times, &mut memory);
        // By number it may be left to others.
        if at_once.is_some() || !inner.contains('u') {
            prop_assert_eq!(at_once, steps.as_deref());
        }
    }
}

/// What stands between the quotes of a string that has this text.
fn inside(text: &str) -> String {
    let json = serde_json::to_string(text).unwrap();
    json[1..json.len() - 1].to_owned()
}

/// JSON, and what is nearly JSON.
fn json_like() -> impl Strategy<Value = String> {
    let nearly = r#"{ } [ ] , : null nul true false 0 - -12 01 1.5 1. 2e+7 2e "" "a" "a": "open "\n" "\x" "\u12" "\u00e9" "\ud800""#;
    let others =
        [" ", "\n", "\u{feff}", "\"\u{1}\"", "\"a long text, longer than eight bytes: \u{e9}\\\\\\\"\""];
    let token = proptest::sample::select(nearly.split(' ').chain(others).collect::<Vec<_>>());
    let soup = proptest::collection::vec(token, 0..12).prop_map(|tokens| tokens.concat());
    let cut = (document(), any::<proptest::sample::Index>())
        .prop_map(|(value, at)| first_bytes(&value, at.index(value.len() + 1)).to_owned());
    let mistaken = (document(), any::<proptest::sample::Index>(), "[\"\\\\\u{1}\n u{}\\[\\],:0-9e.-]")
        .prop_map(|(document, at, mistake)| {
            let before = first_bytes(&document, at.index(document.len()));
            let after = document[before.len()..].chars().skip(1).collect::<String>();
            format!("{before}{mistake}{after}")
        });
    prop_oneof![soup, document(), cut, mistaken]
}

/// JSON of some length.
fn document() -> impl Strategy<Value = String> {
    let list = proptest::collection::vec(value(), 0..40).prop_map(|all| format!("[{}]", all.join(",")));
    prop_oneof![value(), list]
}

/// An object that is not empty, over one line or several.
fn members() -> impl Strategy<Value = String> {
    (proptest::collection::vec(("[a-z]{1,9}", value()), 1..9), "\n {0,5}|").prop_map(|(all, space)| {
        let members: Vec<_> = all.into_iter().map(|(key, value)| format!("{space}{key:?}:{value}")).collect();
        format!("{{{}}}", members.join(","))
    })
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
