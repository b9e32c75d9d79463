//! The cluster, as the kubeconfig names it.

use std::time::Duration;

use anyhow::{Result, ensure};
use jit_access_core::request::person;
use jit_access_crds::AccessRequest;
use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use kube::api::{ListParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::DeserializeGuard;
use kube::{Api, Client, Config, ResourceExt};

use crate::arguments::Global;
use crate::fault::{Place, no_cluster};
use crate::{print, text};

/// One that does not answer by then is away.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A stranger can make a request more than a megabyte long.
const PAGE: u32 = 50;

/// The API server, and the namespace of the requests.
pub struct Connection {
    client: Client,
    place: Place,
}

impl Connection {
    /// Reads the kubeconfig; nothing is sent yet, but the program that logs in may run.
    pub async fn open(global: &Global) -> Result<Self> {
        let options = KubeConfigOptions {
            context: global.context.clone(),
            ..KubeConfigOptions::default()
        };
        let config = match &global.kubeconfig {
            Some(path) => match Kubeconfig::read_from(path) {
                Ok(kubeconfig) => Config::from_custom_kubeconfig(kubeconfig, &options).await,
                Err(error) => Err(error),
            },
            None => Config::from_kubeconfig(&options).await,
        };
        let mut config = config.map_err(|error| no_cluster(&error))?;
        config.connect_timeout = Some(CONNECT_TIMEOUT);
        // Whoever sits before it decides; and a creation that is repeated may be two.
        config.default_retry = false;
        let place = Place {
            server: config
                .cluster_url
                .to_string()
                .trim_end_matches('/')
                .to_owned(),
            namespace: global
                .namespace
                .clone()
                .unwrap_or_else(|| config.default_namespace.clone()),
        };
        let client = Client::try_from(config).map_err(|error| place.explain(&error))?;
        Ok(Self { client, place })
    }

    /// The namespace of the requests.
    pub fn namespace(&self) -> &str {
        &self.place.namespace
    }

    /// Where calls go, for sentences about those that failed.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// The requests of the namespace.
    pub fn requests(&self) -> Api<AccessRequest> {
        Api::namespaced(self.client.clone(), self.namespace())
    }

    /// One request.
    pub async fn get(&self, name: &str) -> Result<AccessRequest> {
        ensure!(
            !name.is_empty(),
            "name a request: `kubectl jit list` shows them"
        );
        let found = self.requests().get(name).await;
        found.map_err(|error| self.place.explain(&error))
    }

    /// The requests that fit this field selector; all if there is none. One that cannot be read is
    /// told and left out: whoever made it must not hide the others.
    pub async fn list(&self, fields: Option<&str>) -> Result<Vec<AccessRequest>> {
        let api: Api<DeserializeGuard<AccessRequest>> =
            Api::namespaced(self.client.clone(), self.namespace());
        let mut parameters = ListParams::default().limit(PAGE);
        parameters.field_selector = fields.map(str::to_owned);
        let mut requests = Vec::new();
        loop {
            let page = api.list(&parameters).await;
            let page = page.map_err(|error| self.place.explain(&error))?;
            for DeserializeGuard(item) in page.items {
                match item {
                    Ok(request) => requests.push(request),
                    Err(broken) => print::note(&format!(
                        "{} cannot be read and is left out: {}",
                        broken.metadata.name.as_deref().unwrap_or("a request"),
                        text::cut(&broken.error, text::WIDTH)
                    )),
                }
            }
            parameters.continue_token = page.metadata.continue_.filter(|token| !token.is_empty());
            if parameters.continue_token.is_none() {
                break;
            }
        }
        // The newest first; those of the same second by name, so that two lists look alike.
        requests.sort_by_key(|request| {
            let created = request.creation_timestamp().map(|time| time.0);
            (std::cmp::Reverse(created), request.name_any())
        });
        Ok(requests)
    }

    /// Who the API server says that I am, in lower case.
    pub async fn me(&self) -> Result<String> {
        let api: Api<SelfSubjectReview> = Api::all(self.client.clone());
        let review = api
            .create(&PostParams::default(), &SelfSubjectReview::default())
            .await
            .map_err(|error| self.place.explain(&error))?;
        let user = review.status.and_then(|status| status.user_info);
        let name = user.and_then(|user| user.username).unwrap_or_default();
        Ok(name.to_ascii_lowercase())
    }

    /// Who I am, as somebody who can ask and decide: the e-mail address of a Google account.
    pub async fn person(&self) -> Result<String> {
        let me = self.me().await?;
        ensure!(
            person(&me).is_ok(),
            "{} knows you as \"{me}\", which is not the e-mail address of a person's Google account: log in with yours, or choose its context with --context",
            self.place.server
        );
        Ok(me)
    }
}
