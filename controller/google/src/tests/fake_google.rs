//! A Google of which every byte is the test's choice: it can cut an answer off, break the connection, or say nothing.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// A call as it came.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) method: String,
    /// Path and query, percent-encoded.
    pub(super) target: String,
    /// Names in lower case.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
}

impl Request {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().find(|(n, _)| n == name)?;
        Some(value)
    }

    pub(super) fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// A parameter of the query, decoded.
    pub(super) fn parameter(&self, name: &str) -> Option<String> {
        let url = reqwest::Url::parse(&format!("http://host{}", self.target)).expect("a target");
        let (_, value) = url.query_pairs().find(|(n, _)| n == name)?;
        Some(value.into_owned())
    }

    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).expect("a JSON body")
    }
}

/// What is answered.
#[derive(Debug, Clone)]
pub(super) enum Reply {
    /// A status, headers (`name: value`), a body.
    Answer(u16, Vec<String>, String),
    /// Half of the body that was announced, then the end.
    Truncated(String),
    /// The end, without a byte.
    Cut,
    /// Headers, then nothing for ever.
    HangInBody,
    /// Nothing for ever.
    Hang,
}

impl Reply {
    #[expect(
        clippy::needless_pass_by_value,
        reason = "callers hand over what json! makes"
    )]
    pub(super) fn json(body: serde_json::Value) -> Self {
        Reply::Answer(200, vec![], body.to_string())
    }

    /// Google's error format.
    pub(super) fn error(http: u16, status: &str, message: &str) -> Self {
        let body =
            serde_json::json!({"error": {"code": http, "message": message, "status": status}});
        Reply::Answer(http, vec![], body.to_string())
    }

    pub(super) fn with_header(self, header: &str) -> Self {
        match self {
            Reply::Answer(http, mut headers, body) => {
                headers.push(header.to_owned());
                Reply::Answer(http, headers, body)
            }
            other => other,
        }
    }
}

/// A running server; it ends with the test's runtime.
#[derive(Debug, Clone)]
pub(super) struct FakeGoogle {
    address: SocketAddr,
    calls: Arc<Mutex<Vec<Request>>>,
}

impl FakeGoogle {
    /// Answers the call number `n` (from 0) with `reply(n, call)`.
    pub(super) async fn start(
        reply: impl Fn(usize, &Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let fake = FakeGoogle {
            address: listener.local_addr().expect("an address"),
            calls: Arc::default(),
        };
        let (calls, reply) = (fake.calls.clone(), Arc::new(reply));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (calls, reply) = (calls.clone(), reply.clone());
                tokio::spawn(async move {
                    let Some(request) = read(&mut stream).await else {
                        return;
                    };
                    let n = {
                        let mut calls = calls.lock().expect("not poisoned");
                        calls.push(request.clone());
                        calls.len() - 1
                    };
                    write(&mut stream, reply(n, &request)).await;
                });
            }
        });
        fake
    }

    /// Always the same.
    pub(super) async fn answering(reply: Reply) -> Self {
        Self::start(move |_, _| reply.clone()).await
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(super) fn calls(&self) -> Vec<Request> {
        self.calls.lock().expect("not poisoned").clone()
    }
}

async fn read(stream: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).expect("a head in ASCII");
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let mut request = Request {
        method,
        target,
        headers,
        body: String::new(),
    };
    let length: usize = request
        .header("content-length")
        .map_or(0, |value| value.parse().expect("a length"));
    while bytes.len() < end + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    request.body = String::from_utf8(bytes[end..].to_vec()).expect("a body in UTF-8");
    Some(request)
}

async fn write(stream: &mut TcpStream, reply: Reply) {
    let head = |http: u16, headers: &[String], length: usize| {
        let headers: String = headers
            .iter()
            .map(|header| format!("{header}\r\n"))
            .collect();
        format!(
            "HTTP/1.1 {http} X\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n"
        )
    };
    let forever = Duration::from_secs(3600);
    let text = match reply {
        Reply::Answer(http, headers, body) => head(http, &headers, body.len()) + &body,
        Reply::Truncated(body) => head(200, &[], body.len()) + &body[..body.len() / 2],
        Reply::Cut => return,
        Reply::Hang => return tokio::time::sleep(forever).await,
        Reply::HangInBody => {
            let _gone = stream.write_all(head(200, &[], 2).as_bytes()).await;
            return tokio::time::sleep(forever).await;
        }
    };
    // The client may have gone away, which is then what the test is about.
    let _gone = stream.write_all(text.as_bytes()).await;
    let _gone = stream.shutdown().await;
}
