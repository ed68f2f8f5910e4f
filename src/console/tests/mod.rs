mod decoding;
mod recorded;
