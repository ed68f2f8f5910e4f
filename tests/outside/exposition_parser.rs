//! The parser that the tests use is as strict as Prometheus.

use crate::support::Exposition;

#[test]
fn expositions_that_a_scraper_may_reject_are_rejected() {
    let good = "# HELP a_total A.\n# TYPE a_total counter\na_total{b=\"\\\"\\\\\\n\"} 1\n";
    assert_eq!(Exposition::parse(good).unwrap().find("a_total").one().labels["b"], "\"\\\n");
    let rejected = [
        "# HELP a A.\n# TYPE a gauge\na 1",
        "# TYPE a gauge\na 1\n",
        "# HELP a A.\n# TYPE a gauge\n",
        "# HELP a A.\n# TYPE a counter\na 1\n",
        "# HELP a A.\n# TYPE a gauge\na 1\na 1\n",
        "# HELP a A.\n# TYPE a gauge\na{b=\"1\",b=\"2\"} 1\n",
        "# HELP a A.\n# TYPE a gauge\na{b=\"\\t\"} 1\n",
        "# HELP a A.\n# TYPE a gauge\na 1 1700000000000\n",
        "# HELP a A.\n# TYPE a gauge\nb 1\n",
        "# HELP a A.\n# TYPE a gauge\na 1\n# HELP b B.\n# TYPE b gauge\nb 1\na{c=\"1\"} 1\n",
    ];
    for text in rejected {
        assert!(Exposition::parse(text).is_err(), "{text}");
    }
}
