mod client;
mod collector_rate;
mod credentials;
mod faults;
mod listing;
mod region;
mod stub;
