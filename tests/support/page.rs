//! Replies of the API.

use serde_json::{Value, json};

/// A sample response of the API reference, byte by byte.
pub(crate) fn sample(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/data/{name}.json", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(path).unwrap()
}

/// A first and only page with these deployments.
pub(crate) fn page_of(deployments: &[Value]) -> Value {
    json!({
        "requestId": "CBC799F0-0000-1D30-8A4F-882ED4DD0000",
        "success": true,
        "httpCode": 200,
        "errorCode": "",
        "errorMessage": "",
        "pageIndex": 1,
        "pageSize": 100,
        "totalSize": deployments.len(),
        "data": deployments,
    })
}

/// A namespace without deployments.
pub(crate) fn empty_page() -> Value {
    page_of(&[])
}

/// The response with HTTP 200 to a request that failed.
pub(crate) fn unsuccessful(code: &str, message: &str) -> Value {
    json!({
        "requestId": "CBC799F0-0000-1D30-8A4F-882ED4DD0001",
        "success": false,
        "httpCode": 500,
        "errorCode": code,
        "errorMessage": message,
        "data": [],
    })
}
