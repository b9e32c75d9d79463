//! The proxy of the test bench: what it logs, holds, refuses and cuts is what the API server sees or not.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures::{StreamExt, TryStreamExt};
use jit_access_tests::api_proxy::{ApiProxy, Moment, Pattern};
use jit_access_tests::control_plane::{ControlPlane, Options};
use jit_access_tests::kubeconfig;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::api::{PostParams, WatchEvent, WatchParams};

/// A control plane, and ConfigMaps directly and through a proxy.
struct Site {
    _control_plane: ControlPlane,
    proxy: ApiProxy,
    direct: Api<ConfigMap>,
    proxied: Api<ConfigMap>,
}

impl Site {
    async fn start() -> Result<Self> {
        let control_plane = ControlPlane::start(Options::default()).await?;
        let admin = control_plane.identity("admin", Some("system:masters"))?;
        let proxy = ApiProxy::start(&control_plane.kubeconfig_text(admin)).await?;
        let proxied = kubeconfig::client(&proxy.kubeconfig_text("default")).await?;
        Ok(Self {
            direct: Api::namespaced(control_plane.admin().await?, "default"),
            proxied: Api::namespaced(proxied, "default"),
            proxy,
            _control_plane: control_plane,
        })
    }

    /// Creates a ConfigMap through the proxy, in a task of its own.
    fn create(&self, name: &str) -> tokio::task::JoinHandle<kube::Result<ConfigMap>> {
        let (api, mut map) = (self.proxied.clone(), ConfigMap::default());
        map.metadata.name = Some(name.to_owned());
        tokio::spawn(async move { api.create(&PostParams::default(), &map).await })
    }

    async fn exists(&self, name: &str) -> Result<bool> {
        Ok(self.direct.get_opt(name).await?.is_some())
    }
}

const SOON: Duration = Duration::from_secs(10);

#[tokio::test]
async fn writes_are_logged_held_and_refused() -> Result<()> {
    let site = Site::start().await?;
    site.create("plain").await??;
    ensure!(site.proxied.get("plain").await.is_ok());
    let writes = site.proxy.writes();
    assert_eq!(writes.len(), 1, "reads are no writes: {writes:?}");
    assert_eq!(
        (writes[0].method.as_str(), writes[0].status),
        ("POST", Some(201))
    );
    assert!(
        writes[0]
            .path
            .starts_with("/api/v1/namespaces/default/configmaps"),
        "{writes:?}"
    );
    assert_eq!(writes[0].body["metadata"]["name"], "plain");

    // The second of two, before it takes effect.
    let mut held = site
        .proxy
        .hold(Pattern::any().path("/configmaps"), 1, Moment::Before);
    site.create("passes").await??;
    let waiting = site.create("held-before");
    let write = held.reached(SOON).await?;
    assert_eq!(write.body["metadata"]["name"], "held-before");
    assert!(!site.exists("held-before").await? && !waiting.is_finished());
    held.release();
    waiting.await??;
    assert!(site.exists("held-before").await?);

    // After it took effect, by a word of its body.
    let mut held = site
        .proxy
        .hold(Pattern::any().body("held-after"), 0, Moment::After);
    let waiting = site.create("held-after");
    held.reached(SOON).await?;
    assert!(site.exists("held-after").await? && !waiting.is_finished());
    held.release();
    waiting.await??;

    site.proxy.refuse(Pattern::any().method("POST"), 1, 503);
    let refused = site
        .create("refused")
        .await?
        .err()
        .context("it was to be refused")?;
    assert!(
        refused
            .to_string()
            .contains("the proxy was told to refuse this"),
        "{refused}"
    );
    assert!(!site.exists("refused").await?);
    site.create("refused").await??;
    Ok(())
}

#[tokio::test]
async fn a_cut_ends_watches_and_refuses_connections_until_it_is_mended() -> Result<()> {
    let site = Site::start().await?;
    let mut watch = site
        .proxied
        .watch(&WatchParams::default(), "0")
        .await?
        .boxed();
    site.create("seen").await??;
    let seen = tokio::time::timeout(SOON, async {
        while let Some(event) = watch.try_next().await? {
            if matches!(&event, WatchEvent::Added(map) if map.metadata.name.as_deref() == Some("seen"))
            {
                return Ok(());
            }
        }
        anyhow::bail!("the watch ended")
    });
    seen.await.context("events come while they happen")??;

    site.proxy.cut_off();
    let end = tokio::time::timeout(SOON, watch.for_each(|_| std::future::ready(())));
    end.await.context("the watch ends with the connection")?;
    assert!(site.proxied.get("seen").await.is_err());

    site.proxy.reconnect();
    site.proxied.get("seen").await?;
    Ok(())
}
