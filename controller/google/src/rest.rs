//! Methods for which there is no official crate: a GET whose answer is one JSON object.

use google_cloud_gax::error::rpc::Status;
use http::HeaderMap;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{
    connection::Connection, error::Error, resource_manager::host_of, sentence::Call,
    settings::Settings,
};

/// One API.
#[derive(Debug, Clone)]
pub(crate) struct Rest {
    pub(crate) connection: Connection,
    /// For sentences.
    pub(crate) host: String,
    base_url: String,
    http: reqwest::Client,
}

/// Why a call failed, and what Google's error said in its own format.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) error: Error,
    pub(crate) http: Option<u16>,
    pub(crate) status: Option<Status>,
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Refused {
            error,
            http: None,
            status: None,
        }
    }
}

impl Rest {
    pub(crate) fn new(
        settings: &Settings,
        own_base_url: &str,
        connection: Connection,
        http: reqwest::Client,
    ) -> Self {
        let base_url = settings.base_url(own_base_url);
        Rest {
            connection,
            host: host_of(&base_url),
            base_url,
            http,
        }
    }

    /// As [`Rest::get`], repeated as all reads are; for callers who need no more than the answer.
    pub(crate) async fn read<T: DeserializeOwned>(
        &self,
        call: &Call,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<T, Error> {
        let attempt = || async {
            let answer = self.get(call, path, query).await;
            answer.map_err(|refused| refused.error)
        };
        let (answer, _) = self.connection.read(attempt).await?;
        Ok(answer)
    }

    /// One attempt; repetition is the caller's (`Connection::read`). Parameters that are empty are left out.
    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        call: &Call,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<(T, HeaderMap), Refused> {
        let account = self.connection.account.headers().await;
        let given: Vec<_> = query
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .collect();
        let response = self
            .http
            .get(format!("{}{path}", self.base_url))
            .headers(account.map_err(|error| call.no_credentials(&error))?)
            .query(&given)
            .send()
            .await
            .map_err(|error| call.broke(&error))?;
        let http = response.status();
        let headers = response.headers().clone();
        let body = response.bytes().await.map_err(|error| call.broke(&error))?;
        if !http.is_success() {
            let status = Status::try_from(&body).ok();
            return Err(Refused {
                error: call.refused(http.as_u16(), &headers, status.as_ref(), &body),
                http: Some(http.as_u16()),
                status,
            });
        }
        // An object first: serde would take a list for a structure, too.
        let answer = serde_json::from_slice::<Map<String, Value>>(&body)
            .and_then(|object| serde_json::from_value(Value::Object(object)))
            .map_err(|error| call.malformed(&error.to_string()))?;
        Ok((answer, headers))
    }
}
