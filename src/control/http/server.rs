//! The server: connections bounded in number, size and time, on a thread of its own.
//!
//! A request head must arrive within a few seconds and fit a few KiB; a connection lives for a minute at most, whether
//! it is idle, slow or busy. No client can therefore hold more than its share, nor hold it for long.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot, watch};
use tokio::time::{sleep, timeout};

use super::routes;
use super::view::DaemonView;
use crate::control::config::HttpConfig;
use crate::telemetry::events;

/// Header fields of a request.
const MAX_HEADERS: usize = 64;
/// Octets of a request head.
const MAX_HEAD: usize = 16 * 1024;

/// How long a client may take.
#[derive(Clone, Copy, Debug)]
pub struct HttpTimes {
    /// For the head of a request, from the first octet or the end of the request before.
    pub head: Duration,
    /// For a connection from its start to its end.
    pub connection: Duration,
    /// For what is still being answered when the connection or the server comes to its end.
    pub grace: Duration,
}

impl Default for HttpTimes {
    fn default() -> Self {
        HttpTimes { head: Duration::from_secs(5), connection: Duration::from_secs(60), grace: Duration::from_secs(2) }
    }
}

/// A server that runs until it is dropped.
#[derive(Debug)]
pub struct HttpServer {
    local_addr: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl HttpServer {
    /// Listens as `config` says, and answers from `view` on a thread of its own.
    ///
    /// # Errors
    /// The address cannot be listened on, or the thread not started.
    pub fn start(config: &HttpConfig, times: HttpTimes, view: Arc<dyn DaemonView>) -> io::Result<HttpServer> {
        let explain = |e: io::Error| {
            let text = format!("cannot listen on {} (http.listen): {e}; is another stakeout running?", config.listen);
            io::Error::new(e.kind(), text)
        };
        let listener = std::net::TcpListener::bind(config.listen).map_err(explain)?;
        listener.set_nonblocking(true)?;
        let local_addr = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = {
            let _inside = runtime.enter();
            TcpListener::from_std(listener)?
        };
        let (stop, stopped) = oneshot::channel::<()>();
        let max_connections = config.max_connections;
        let run = move || {
            let until_stopped = async {
                // Told to stop, or nobody is left to tell it: both end the server.
                let _ = stopped.await;
            };
            runtime.block_on(serve(listener, max_connections, times, view, until_stopped));
        };
        let thread = thread::Builder::new().name("http".into()).spawn(run)?;
        events::http_listening(local_addr);
        Ok(HttpServer { local_addr, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it listens, with the port that was taken if the configuration says 0.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // The server may have ended already.
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Serves `listener` until `shutdown` is ready, with at most `max_connections` at once.
pub async fn serve(
    listener: TcpListener,
    max_connections: u32,
    times: HttpTimes,
    view: Arc<dyn DaemonView>,
    shutdown: impl Future<Output = ()>,
) {
    let router = routes::router(view);
    let permits = Arc::new(Semaphore::new(max_connections as usize));
    let (close, closing) = watch::channel(());
    let mut shutdown = pin!(shutdown);
    loop {
        let next = async {
            // Room first: whoever finds none waits in the kernel's queue.
            let permit = Arc::clone(&permits).acquire_owned().await;
            (listener.accept().await, permit)
        };
        let (accepted, permit) = tokio::select! {
            () = &mut shutdown => break,
            next = next => next,
        };
        match (accepted, permit) {
            (Ok((stream, _)), Ok(permit)) => {
                let (router, closing) = (router.clone(), closing.clone());
                tokio::spawn(async move {
                    converse(stream, router, times, closing).await;
                    drop(permit);
                });
            }
            (Err(e), _) if is_about_the_client(&e) => {}
            (Err(e), _) => {
                events::http_accept_failed(&e.to_string());
                sleep(Duration::from_secs(1)).await;
            }
            // The semaphore is never closed.
            (Ok(_), Err(_)) => break,
        }
    }
    drop(listener);
    drop(close);
    // All permits back means that all connections have ended.
    let _ = timeout(times.grace, permits.acquire_many(max_connections)).await;
}

fn is_about_the_client(e: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(e.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

/// One connection, to its end.
async fn converse(stream: TcpStream, router: Router, times: HttpTimes, mut closing: watch::Receiver<()>) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(times.head)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut connection = pin!(connection);
    tokio::select! {
        // A client that breaks the protocol or goes away is its own affair.
        _ = connection.as_mut() => return,
        () = sleep(times.connection) => {}
        // Never sent, only dropped, when the server ends.
        _ = closing.changed() => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = timeout(times.grace, connection).await;
}
