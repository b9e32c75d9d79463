//! A web UI for the requests of one case.

use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result};
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use kube::Api;
use kube::api::{ObjectMeta, PostParams};

use super::{Case, Person};
use crate::webui::{Browser, WebUi};
use crate::{install, server};

/// The flags of a web UI in tests, before those of the test.
const FLAGS: [&str; 2] = ["--scope=organizations/1", "--log-format=text"];

impl Case<'_> {
    /// Starts a web UI for the case's namespace, with further flags; one named again replaces that of all
    /// tests.
    ///
    /// # Errors
    /// When it does not become ready, with the end of its log.
    pub async fn webui(&self, flags: &[&str]) -> Result<WebUi> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{}-{count}", install::WEBUI);
        self.permit_webui().await?;
        let control_plane = &self.bench.control_plane;
        let identity = install::webui_identity(control_plane).await?;
        let kubeconfig = control_plane.folder().write(
            &format!("{name}.kubeconfig"),
            &control_plane.kubeconfig_text(identity),
        )?;
        let own: Vec<String> = flags.iter().map(|flag| (*flag).to_owned()).collect();
        WebUi::start(
            control_plane.folder(),
            &name,
            &kubeconfig,
            self.bench.simulator.url(),
            &self.namespace,
            &server::flags(&FLAGS, &own),
        )
        .await
    }

    /// The browser of a person of this case.
    ///
    /// # Errors
    /// When no client can be made.
    pub fn browser(&self, webui: &WebUi, person: &Person) -> Result<Browser<'_>> {
        webui.browser(&self.bench.simulator, &person.email)
    }

    /// Gives the web UI in the case's namespace what the chart gives it in its own.
    async fn permit_webui(&self) -> Result<()> {
        let admin = self.bench.control_plane.admin().await?;
        let roles: Api<Role> = Api::namespaced(admin.clone(), install::REQUESTS);
        let bindings: Api<RoleBinding> = Api::namespaced(admin.clone(), install::REQUESTS);
        let role = roles.get(install::WEBUI).await?;
        let binding = bindings.get(install::WEBUI).await?;
        let metadata = ObjectMeta {
            name: Some(install::WEBUI.to_owned()),
            ..ObjectMeta::default()
        };
        let role = Role {
            metadata: metadata.clone(),
            ..role
        };
        let binding = RoleBinding {
            metadata,
            ..binding
        };
        let roles: Api<Role> = Api::namespaced(admin.clone(), &self.namespace);
        let bindings: Api<RoleBinding> = Api::namespaced(admin, &self.namespace);
        if roles.get_opt(install::WEBUI).await?.is_none() {
            let params = PostParams::default();
            roles.create(&params, &role).await?;
            bindings
                .create(&params, &binding)
                .await
                .context("the web UI gets no role in the case's namespace")?;
        }
        Ok(())
    }
}
