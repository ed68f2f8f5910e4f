//! The default endpoints of `ververica` and `foasconsole` in a region.

/// The regions in which foasconsole has an endpoint, by the map in the official SDKs. The others are served by the
/// central one.
const CONSOLE_REGIONS: [&str; 18] = [
    "ap-northeast-1",
    "ap-southeast-1",
    "ap-southeast-3",
    "ap-southeast-5",
    "cn-beijing",
    "cn-hangzhou",
    "cn-hongkong",
    "cn-qingdao",
    "cn-shanghai",
    "cn-shanghai-finance-1",
    "cn-shenzhen",
    "cn-shenzhen-finance-1",
    "cn-wulanchabu",
    "cn-zhangjiakou",
    "eu-central-1",
    "eu-west-1",
    "us-east-1",
    "us-west-1",
];

/// The URL of the API for deployments, `ververica`, in a region.
pub fn ververica(region: &str) -> String {
    format!("https://ververica.{region}.aliyuncs.com")
}

/// The URL of the console API, `foasconsole`, for a region.
pub fn foasconsole(region: &str) -> String {
    if CONSOLE_REGIONS.contains(&region) {
        format!("https://foasconsole.{region}.aliyuncs.com")
    } else {
        "https://foasconsole.aliyuncs.com".to_owned()
    }
}
