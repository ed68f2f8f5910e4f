mod decoding;
mod recorded;
mod shared;
