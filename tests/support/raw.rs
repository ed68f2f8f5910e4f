//! An API that responds with any bytes, such as those that no HTTP library would send.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::sleep,
};

/// What is sent after a request.
#[derive(Clone)]
pub(crate) enum Raw {
    /// These bytes, then the end of the connection.
    Bytes(Vec<u8>),
    /// These bytes, then a reset.
    Reset(Vec<u8>),
    /// These bytes, while the connection stays open.
    Hold(Vec<u8>),
    /// These bytes, then this byte without end.
    Endless(Vec<u8>, u8),
    /// These bytes, repeated without end.
    Repeated(Vec<u8>),
    /// The first bytes, then one of the second every 50 ms.
    Drip(Vec<u8>, Vec<u8>),
}

/// An HTTP/1.1 response with the correct `Content-Length`.
pub(crate) fn http(status: u16, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let mut reply =
        format!("HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n")
            .into_bytes();
    reply.extend_from_slice(body);
    reply
}

type Answering = dyn Fn(&str) -> Raw + Send + Sync;

/// The server. It stops when it is dropped.
pub(crate) struct RawApi {
    address: SocketAddr,
    seen: Arc<AtomicU64>,
    serving: JoinHandle<()>,
}

impl Drop for RawApi {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl RawApi {
    /// Answers each request by its path and query.
    pub(crate) async fn start(answering: impl Fn(&str) -> Raw + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen: Arc<AtomicU64> = Arc::default();
        let serving = tokio::spawn(serve(listener, Arc::new(answering), seen.clone()));
        Self { address, seen, serving }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The number of requests.
    pub(crate) fn seen(&self) -> u64 {
        self.seen.load(Ordering::SeqCst)
    }
}

async fn serve(listener: TcpListener, answering: Arc<Answering>, seen: Arc<AtomicU64>) {
    loop {
        let Ok((mut stream, _)) = listener.accept().await else { continue };
        let (answering, seen) = (answering.clone(), seen.clone());
        tokio::spawn(async move {
            let Some(target) = request_target(&mut stream).await else { return };
            seen.fetch_add(1, Ordering::SeqCst);
            answer(stream, answering(&target)).await;
        });
    }
}

/// Reads the head of a request, and returns the path and query.
async fn request_target(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).ok()?;
    head.split(' ').nth(1).map(str::to_owned)
}

/// Writes until the client disconnects.
async fn answer(mut stream: TcpStream, raw: Raw) {
    let (Raw::Bytes(first)
    | Raw::Reset(first)
    | Raw::Hold(first)
    | Raw::Endless(first, _)
    | Raw::Repeated(first)
    | Raw::Drip(first, _)) = &raw;
    if stream.write_all(first).await.is_err() {
        return;
    }
    match raw {
        Raw::Bytes(_) => {
            let _ = stream.shutdown().await;
        }
        Raw::Reset(_) => {
            // The client would discard bytes that it has not read before the reset.
            sleep(Duration::from_millis(50)).await;
            let _ = stream.set_zero_linger();
        }
        Raw::Hold(_) => while stream.read_u8().await.is_ok() {},
        Raw::Endless(_, byte) => {
            let much = vec![byte; 16 * 1024];
            while stream.write_all(&much).await.is_ok() {}
        }
        Raw::Repeated(bytes) => while stream.write_all(&bytes).await.is_ok() {},
        Raw::Drip(_, drops) => {
            for byte in drops {
                sleep(Duration::from_millis(50)).await;
                if stream.write_all(&[byte]).await.is_err() {
                    return;
                }
            }
        }
    }
}
