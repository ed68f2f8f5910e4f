mod client;
mod listing;
mod stub;
