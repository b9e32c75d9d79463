"""Google's generated Resource Manager client, over REST, against the simulator at sys.argv[1]."""

import sys

from google.api_core import exceptions
from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import resourcemanager_v3
from google.iam.v1 import options_pb2, policy_pb2
from google.type import expr_pb2

EXPRESSION = 'request.time >= timestamp("2026-11-23T20:00:00Z") && request.time < timestamp("2026-11-23T20:30:00Z")'


def client(kind):
    return kind(
        transport="rest",
        credentials=AnonymousCredentials(),
        client_options=ClientOptions(api_endpoint=sys.argv[1]),
    )


def read(service, resource):
    options = options_pb2.GetPolicyOptions(requested_policy_version=3)
    return service.get_iam_policy(request={"resource": resource, "options": options})


def expect(error, call):
    try:
        call()
    except error as raised:
        return raised
    raise AssertionError(f"{error.__name__} was expected")


projects = client(resourcemanager_v3.ProjectsClient)
folders = client(resourcemanager_v3.FoldersClient)
organizations = client(resourcemanager_v3.OrganizationsClient)

project = projects.get_project(name="projects/web-prod")
assert project.name == "projects/1001" and project.parent == "folders/10", project
assert project.state == resourcemanager_v3.Project.State.ACTIVE, project
assert folders.get_folder(name="folders/10").parent == "organizations/1"
assert organizations.get_organization(name="organizations/1").display_name == "example.com"
assert [p.project_id for p in projects.list_projects(request={"parent": "folders/10", "page_size": 1})] == ["data-prod", "web-prod"]
assert [p.project_id for p in projects.search_projects(query="id:web*")] == ["web-prod"]
assert [o.name for o in organizations.search_organizations()] == ["organizations/1"]

for service, resource in ((projects, "projects/web-prod"), (folders, "folders/10"), (organizations, "organizations/1")):
    before = read(service, resource)
    wanted = policy_pb2.Policy()
    wanted.CopyFrom(before)
    wanted.version = 3
    wanted.bindings.append(
        policy_pb2.Binding(
            role="roles/storage.admin",
            members=["user:bob@example.com"],
            condition=expr_pb2.Expr(title="jit-access 1", description="Self-approved", expression=EXPRESSION),
        )
    )
    written = service.set_iam_policy(request={"resource": resource, "policy": wanted})
    assert written.version == 3 and written.etag != before.etag, written
    assert list(written.bindings) == list(wanted.bindings), written
    assert read(service, resource) == written
    assert written.audit_configs == before.audit_configs

    conflict = expect(exceptions.Conflict, lambda: service.set_iam_policy(request={"resource": resource, "policy": wanted}))
    assert conflict.response.json()["error"]["status"] == "ABORTED", conflict
    assert conflict.code == 409 and "There were concurrent policy changes." in conflict.message, conflict

wanted = read(projects, "projects/data-prod")
wanted.bindings.append(policy_pb2.Binding(role="roles/no.such", members=["user:bob@example.com"]))
refusal = expect(exceptions.BadRequest, lambda: projects.set_iam_policy(request={"resource": "projects/data-prod", "policy": wanted}))
assert "Role roles/no.such is not supported for this resource." in refusal.message, refusal
expect(exceptions.Forbidden, lambda: read(projects, "projects/no-such-project"))
held = projects.test_iam_permissions(resource="projects/web-prod", permissions=["compute.instances.get"])
assert list(held.permissions) == ["compute.instances.get"], held
print("gapic: done")
