//! Why a stream gives no request.

/// Why a stream gives no request.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum HttpError {
    /// The first line is no HTTP/1 request line.
    #[error("not an HTTP/1 request line")]
    NotHttp,
    /// The head is longer than [`MAX_HEAD`](super::MAX_HEAD). Its name may still be readable: see
    /// [`partial_head`](super::partial_head).
    #[error("request head is longer than 16 KiB")]
    TooLong,
}
