mod client;
mod collector_rate;
mod listing;
mod region;
mod stub;
