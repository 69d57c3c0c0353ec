//! Why a stream gives no request.

use crate::model::Counter;

/// Why a stream gives no request.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum HttpError {
    /// The first line is no HTTP/1 request line.
    #[error("not an HTTP/1 request line")]
    NotHttp,
    /// The head is longer than [`MAX_HEAD`](super::MAX_HEAD). Its name may still be readable: see
    /// [`partial_head`](super::partial_head).
    #[error("request head is longer than 64 KiB")]
    TooLong,
}

impl HttpError {
    /// The counter of such rejections.
    pub const fn counter(self) -> Counter {
        match self {
            HttpError::NotHttp => Counter::HttpMalformed,
            HttpError::TooLong => Counter::HttpTooLong,
        }
    }
}
