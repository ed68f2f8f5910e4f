mod client;
mod decoding;
mod listing;
mod stub;
