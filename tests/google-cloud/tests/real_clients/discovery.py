"""Google's discovery-based client, against the simulator at sys.argv[1]."""

import base64
import sys

from google.auth.credentials import AnonymousCredentials
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError

LABEL = "'cloudidentity.googleapis.com/groups.discussion_forum' in labels"


def api(name, version):
    return build(
        name,
        version,
        credentials=AnonymousCredentials(),
        static_discovery=True,
        client_options={"api_endpoint": sys.argv[1]},
    )


def refused(request):
    try:
        request.execute()
    except HttpError as error:
        return error
    raise AssertionError("an error was expected")


projects = api("cloudresourcemanager", "v3").projects()
read = {"options": {"requestedPolicyVersion": 3}}
policy = projects.getIamPolicy(resource="projects/data-prod", body=read).execute()
policy["version"] = 3
policy["bindings"] = [
    {
        "role": "roles/bigquery.dataViewer",
        "members": ["user:Alice@example.com"],
        "condition": {"title": "jit-access 2", "expression": 'request.time < timestamp("2030-01-01T00:00:00Z")'},
    }
]
written = projects.setIamPolicy(resource="projects/data-prod", body={"policy": policy}).execute()
assert written["version"] == 3 and written["bindings"][0]["members"] == ["user:alice@example.com"], written
assert projects.getIamPolicy(resource="projects/data-prod", body=read).execute() == written

stale = refused(projects.setIamPolicy(resource="projects/data-prod", body={"policy": policy}))
assert stale.resp.status == 409 and "concurrent policy changes" in stale.reason, stale
missing = refused(projects.getIamPolicy(resource="projects/no-such-project", body=read))
assert missing.resp.status == 403 and missing.reason == "The caller does not have permission", missing

legacy = api("cloudresourcemanager", "v1").projects()
assert legacy.get(projectId="web-prod").execute()["projectNumber"] == "1001"
ancestry = legacy.getAncestry(projectId="web-prod", body={}).execute()
assert [one["resourceId"]["id"] for one in ancestry["ancestor"]] == ["web-prod", "10", "1"], ancestry

groups = api("cloudidentity", "v1").groups()
memberships = groups.memberships()
query = f"member_key_id == 'alice@example.com' && {LABEL}"
found = memberships.searchTransitiveGroups(parent="groups/-", query=query).execute()
related = {one["groupKey"]["id"]: one["relationType"] for one in found["memberships"]}
assert related == {"ops@example.com": "INDIRECT", "sre@example.com": "DIRECT"}, related
found = memberships.searchDirectGroups(parent="groups/-", query="member_key_id == 'alice@example.com'").execute()
assert [one["groupKey"]["id"] for one in found["memberships"]] == ["sre@example.com"], found
name = groups.lookup(groupKey_id="ops@example.com").execute()["name"]
listed = memberships.list(parent=name, view="FULL").execute()["memberships"]
assert {one["preferredMemberKey"]["id"]: one["type"] for one in listed} == {"bob@example.com": "USER", "sre@example.com": "GROUP"}
below = memberships.searchTransitiveMemberships(parent=name).execute()["memberships"]
assert sorted(one["preferredMemberKey"][0]["id"] for one in below) == ["alice@example.com", "bob@example.com", "sre@example.com"]
check = memberships.checkTransitiveMembership(parent=name, query="member_key_id == 'alice@example.com'").execute()
assert check == {"hasMembership": True}, check

asset = api("cloudasset", "v1").v1()
request = asset.searchAllIamPolicies(scope="organizations/1", query='policy:("ops@example.com" OR "jit-access")', pageSize=1)
resources = []
while request is not None:
    page = request.execute()
    resources += [(one["resource"].split("/", 3)[3], len(one["policy"]["bindings"])) for one in page["results"]]
    request = asset.searchAllIamPolicies_next(request, page)
assert resources == [("folders/10", 1), ("projects/data-prod", 1), ("projects/web-prod", 1)], resources
found = asset.searchAllResources(scope="folders/10", assetTypes=["cloudresourcemanager.googleapis.com/Project"]).execute()
assert [one["additionalAttributes"]["projectId"] for one in found["results"]] == ["data-prod", "web-prod"], found
names = ["//cloudresourcemanager.googleapis.com/projects/web-prod"]
effective = api("cloudasset", "v1").effectiveIamPolicies().batchGet(scope="organizations/1", names=names).execute()
assert [one["attachedResource"].split("/", 3)[3] for one in effective["policyResults"][0]["policies"]] == ["projects/web-prod", "folders/10"]

iam = api("iam", "v1")
assert iam.roles().get(name="roles/compute.admin").execute()["title"] == "Compute Admin"
grantable = iam.roles().queryGrantableRoles(body={"fullResourceName": names[0], "pageSize": 1000}).execute()["roles"]
assert "projects/web-prod/roles/own" in [role["name"] for role in grantable]
linted = iam.iamPolicies().lintPolicy(body={"fullResourceName": names[0], "condition": {"expression": "request.time <"}}).execute()
assert linted["lintResults"][0]["severity"] == "ERROR", linted

message = {"data": base64.b64encode(b"hello").decode(), "attributes": {"state": "Active"}}
topics = api("pubsub", "v1").projects().topics()
assert topics.publish(topic="projects/web-prod/topics/jit", body={"messages": [message]}).execute() == {"messageIds": ["1"]}
print("discovery: done")
