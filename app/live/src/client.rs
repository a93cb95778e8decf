//! One client's connection: a WebSocket that speaks the protocol.
//!
//! *Models:* what a client sees of a server, in order. *Leaves out:* reconnecting; whoever drives it decides when.

use std::io;
use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{Bytes, Message as Frame};
use tokio_tungstenite::{WebSocketStream, client_async_with_config, tungstenite};

use crate::protocol::{FrameError, Request, Response};
use crate::server::web_socket;

/// A client's connection. Dropping it is a loss: the server is not told.
#[derive(Debug)]
pub struct Client {
    stream: WebSocketStream<TcpStream>,
}

/// What went wrong with a connection.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No connection.
    #[error("failed to connect")]
    Connect(#[from] io::Error),
    /// The WebSocket failed.
    #[error("the WebSocket failed")]
    WebSocket(#[source] Box<tungstenite::Error>),
    /// The server sent what is no frame of the protocol.
    #[error("the server sent a wrong frame")]
    Frame(#[from] FrameError),
    /// The server sent a WebSocket message that is not binary.
    #[error("the server sent a message that is not binary")]
    NotBinary,
    /// The server closed when an answer was due.
    #[error("the server closed the connection")]
    Closed,
    /// The server answered something else.
    #[error("the server answered {0:?}")]
    Unexpected(Box<Response>),
}

impl From<tungstenite::Error> for ClientError {
    fn from(error: tungstenite::Error) -> Self {
        Self::WebSocket(Box::new(error))
    }
}

impl Client {
    /// Connects and sends the first request, a hello or resume.
    ///
    /// # Errors
    /// If there is no such server or it does not speak WebSocket.
    pub async fn connect(address: SocketAddr, first: &Request) -> Result<Self, ClientError> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let url = format!("ws://{address}/");
        let (stream, _) = client_async_with_config(url, stream, Some(web_socket())).await?;
        let mut client = Self { stream };
        client.send(first).await?;
        Ok(client)
    }

    /// Sends a request.
    ///
    /// # Errors
    /// If the connection has ended.
    pub async fn send(&mut self, request: &Request) -> Result<(), ClientError> {
        Ok(self.stream.send(Frame::Binary(request.encode())).await?)
    }

    /// Shows a sign of life.
    ///
    /// # Errors
    /// If the connection has ended.
    pub async fn heartbeat(&mut self) -> Result<(), ClientError> {
        Ok(self.stream.send(Frame::Ping(Bytes::new())).await?)
    }

    /// The next response; `None` once the server has closed. Safe to cancel.
    ///
    /// # Errors
    /// If the connection breaks or the server misspeaks.
    pub async fn next(&mut self) -> Result<Option<Response>, ClientError> {
        loop {
            match self.stream.next().await.transpose()? {
                None | Some(Frame::Close(_)) => return Ok(None),
                Some(Frame::Binary(bytes)) => return Ok(Some(Response::decode(&bytes)?)),
                Some(Frame::Ping(_) | Frame::Pong(_)) => {}
                Some(_) => return Err(ClientError::NotBinary),
            }
        }
    }

    /// The next response, which must come.
    ///
    /// # Errors
    /// As [`Self::next`], and if the server closes.
    pub async fn answer(&mut self) -> Result<Response, ClientError> {
        self.next().await?.ok_or(ClientError::Closed)
    }
}
