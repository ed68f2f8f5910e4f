mod client;
mod listing;
mod region;
mod stub;
