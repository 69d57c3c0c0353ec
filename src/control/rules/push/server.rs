//! The listener: connections bounded in number, per address and in time, on a thread of its own.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::config::{Clients, PushConfig, PushError, PushTimes};
use super::counters::PushCounters;
use super::exchange::Endpoint;
use super::gate::{Addresses, Counted};
use super::receiver::Receiver;
use super::refusal::Cause;
use super::tls;
use crate::control::rules::part::PartFile;
use crate::telemetry::events;

/// Header fields of a request.
const MAX_HEADERS: usize = 64;
/// Octets of a request head, and of a piece of its body.
const MAX_HEAD: usize = 64 * 1024;

/// An endpoint that runs until it is dropped.
pub struct PushServer {
    local_addr: SocketAddr,
    config: PushConfig,
    counters: Arc<PushCounters>,
    tls: watch::Sender<Arc<ServerConfig>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl PushServer {
    /// Listens as `config` says, and hands what comes to `receiver`.
    ///
    /// # Errors
    /// A setting or a file cannot be used, or the address not be listened on.
    pub fn start(config: PushConfig, receiver: Arc<dyn Receiver>) -> Result<PushServer, PushError> {
        config.check()?;
        let (tls, current) = watch::channel(tls::server_config(&config)?);
        // Better told now than to the ministry.
        PartFile::create(&config.incoming, 0).map_err(|e| {
            let (what, path) = ("the directory for what comes in", config.incoming.clone());
            PushError::File { what, path, reason: e.to_string() }
        })?;
        let failed = |e: io::Error| PushError::Listen { listen: config.listen, reason: e.to_string() };
        let listener = std::net::TcpListener::bind(config.listen).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let local_addr = listener.local_addr().map_err(failed)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let listener = {
            let _inside = runtime.enter();
            TcpListener::from_std(listener).map_err(failed)?
        };
        let counters = Arc::new(PushCounters::default());
        let endpoint = Arc::new(Endpoint::new(config.clone(), receiver, Arc::clone(&counters)));
        let (stop, stopped) = oneshot::channel::<()>();
        let door = Door {
            max_connections: config.max_connections,
            per_address: config.max_connections_per_address,
            times: config.times,
            permits: Arc::new(Semaphore::new(config.max_connections as usize)),
            addresses: Arc::default(),
            endpoint,
            tls: current,
        };
        let run = move || {
            let grace = door.times.grace;
            runtime.block_on(door.serve(listener, async {
                // Told to stop, or nobody is left to tell it: both end the server.
                let _ = stopped.await;
            }));
            // A receiver that hangs does not hold up the end of the program.
            runtime.shutdown_timeout(grace);
        };
        let thread = thread::Builder::new().name("push".into()).spawn(run).map_err(failed)?;
        events::push_listening(local_addr);
        Ok(PushServer { local_addr, config, counters, tls, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it listens, with the port that was taken if the configuration says 0.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// What it has done so far.
    pub fn counters(&self) -> &PushCounters {
        &self.counters
    }

    /// Reads the files with certificates, keys, authorities and revocations again, and lets in `clients` from now on.
    /// What is under way goes on.
    ///
    /// # Errors
    /// A file cannot be used; all stays as it was.
    pub fn reload(&self, clients: &Clients) -> Result<(), PushError> {
        let config = PushConfig { clients: clients.clone(), ..self.config.clone() };
        config.check()?;
        self.tls.send_replace(tls::server_config(&config)?);
        Ok(())
    }
}

impl Drop for PushServer {
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

/// What a connection has to pass.
struct Door {
    max_connections: u32,
    per_address: u32,
    times: PushTimes,
    permits: Arc<Semaphore>,
    addresses: Arc<Addresses>,
    endpoint: Arc<Endpoint>,
    tls: watch::Receiver<Arc<ServerConfig>>,
}

impl Door {
    async fn serve(self, listener: TcpListener, shutdown: impl Future<Output = ()>) {
        let (close, closing) = watch::channel(());
        let mut shutdown = pin!(shutdown);
        loop {
            let accepted = tokio::select! {
                () = &mut shutdown => break,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, from)) => self.admit(stream, from.ip(), closing.clone()),
                Err(e) if is_about_the_client(&e) => {}
                Err(e) => {
                    events::push_accept_failed(&e.to_string());
                    sleep(Duration::from_secs(1)).await;
                }
            }
        }
        drop(listener);
        drop(close);
        // All permits back means that all connections have ended.
        let _ = timeout(self.times.grace, self.permits.acquire_many(self.max_connections)).await;
    }

    /// Closes at once what is too much: waiting would let strangers keep the ministry out.
    fn admit(&self, stream: TcpStream, from: IpAddr, closing: watch::Receiver<()>) {
        let counters = &self.endpoint.counters;
        counters.connection();
        let permit = Arc::clone(&self.permits).try_acquire_owned().ok();
        let counted = self.addresses.enter(from, self.per_address);
        let (Some(permit), Some(counted)) = (permit, counted) else {
            counters.refused(Cause::Connections);
            return;
        };
        let tls = Arc::clone(&self.tls.borrow());
        tokio::spawn(converse(stream, tls, Arc::clone(&self.endpoint), self.times, closing, (permit, counted)));
    }
}

/// One connection, to its end.
async fn converse(
    stream: TcpStream,
    tls: Arc<ServerConfig>,
    endpoint: Arc<Endpoint>,
    times: PushTimes,
    mut closing: watch::Receiver<()>,
    _room: (OwnedSemaphorePermit, Counted),
) {
    let counters = Arc::clone(&endpoint.counters);
    let stream = match timeout(times.handshake, TlsAcceptor::from(tls).accept(stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(e)) => return counters.refused(tls::cause(&e)),
        Err(_) => return counters.refused(Cause::Handshake),
    };
    let Some(client) = stream.get_ref().1.peer_certificates().and_then(<[_]>::first).map(tls::fingerprint) else {
        // The verifier wants one, so this is never so.
        return counters.refused(Cause::NoCertificate);
    };
    let asked = AtomicBool::new(false);
    let answer = service_fn(|request| {
        asked.store(true, Ordering::Relaxed);
        Arc::clone(&endpoint).answer(request, client)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(times.head)
        .keep_alive(false)
        // `Rsh-Push` as the ministry writes it. Case means nothing in HTTP, but not every client knows.
        .title_case_headers(true)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), answer);
    let mut connection = pin!(connection);
    let whole = times.head + times.body + times.receive + times.grace;
    let ended = tokio::select! {
        // What came of a request is counted where it is answered.
        _ = connection.as_mut() => true,
        () = sleep(whole) => false,
        // Never sent, only dropped, when the server ends.
        _ = closing.changed() => false,
    };
    if !ended {
        connection.as_mut().graceful_shutdown();
        let _ = timeout(times.grace, connection).await;
    }
    if !asked.load(Ordering::Relaxed) {
        counters.refused(Cause::Protocol);
    }
}

fn is_about_the_client(e: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(e.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}
