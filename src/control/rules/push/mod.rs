//! Registers pushed to us: the endpoint to which the Polish ministry posts its register.
//!
//! It listens on an address of its own, speaks TLS only, and lets nobody in who does not show the right certificate: one
//! issued by an authority that the operator names, or one whose SHA-256 the operator has written down. What is posted to
//! the path of a source goes into a file, bounded in length and time, and then to a [`Receiver`], which makes it durable.
//! Only then comes the answer that the ministry expects: 200, the header `Rsh-Push: accepted` and the body
//! `<hazard><status>OK</status></hazard>`. Every other answer is an error without that header, so that the ministry
//! sends again what we do not have.
//!
//! | module | what it does |
//! |---|---|
//! | `config` | the settings |
//! | `receiver` | what the endpoint hands over, and to whom |
//! | `tls` | whose certificates open the door |
//! | `server` | connections: how many, how long |
//! | `exchange` | one request, from its head to the answer |
//! | `gate` | one push at a time per source, and not too many |
//! | `refusal` | every reason for a refusal, its answer and its counter |

mod config;
mod counters;
mod exchange;
mod gate;
mod receiver;
mod refusal;
mod server;
mod tls;

pub use config::{Clients, PushConfig, PushError, PushSource, PushTimes};
pub use counters::{PushCounters, PushCounts};
pub use receiver::{Delivery, NotTaken, Receiver};
pub use refusal::Cause;
pub use server::PushServer;
