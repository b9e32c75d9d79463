// A request that is deleted and made again under the same name while somebody looks at it.
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { accessible, becomes, demo, expect, test } from "../people.js";

const NAME = "swapped";
const GONE = "This is not the request any more that this page shows:";

function kubectl(who, args, input) {
  const programs = process.env.JIT_ACCESS_CONTROL_PLANE;
  const all = [`--kubeconfig=${demo().kubeconfig}`, `--context=${who}`, ...args];
  return execFileSync(programs ? join(programs, "kubectl") : "kubectl", all, { input, encoding: "utf8" });
}

/** Alice asks for the buckets of the web with kubectl, whose requests have the names that she likes. */
function make(justification) {
  const request = {
    apiVersion: "jit-access.dev/v1alpha1",
    kind: "AccessRequest",
    metadata: { name: NAME },
    spec: {
      requester: "alice@example.com",
      resource: "projects/web-prod",
      roles: ["roles/storage.admin"],
      justification,
      duration: "15m",
      reviewers: ["bob@example.com"],
    },
  };
  kubectl("alice", ["create", "--filename=-"], JSON.stringify(request));
}

function remove() {
  kubectl("alice", ["delete", "accessrequest", NAME, "--ignore-not-found", "--timeout=30s"]);
}

test.afterEach(remove);

test("attack 5: a page shows and decides on no other request than the one it had", async ({ signIn }) => {
  const bob = await signIn("bob");
  make("INC-4716: restore one object");
  await bob.goto("/waiting");
  await bob.getByRole("link", { name: `More about ${NAME}` }).click();
  await becomes(bob, "Waiting for approval");
  const approve = bob.getByRole("button", { name: "Approve" });
  await bob.getByLabel("Comment").fill("As we said on the phone");
  await approve.focus();

  remove();
  make("Everything, for ever");
  const notice = bob.getByRole("alert").filter({ hasText: GONE });
  await expect(notice).toBeVisible();
  await expect(notice).toBeFocused();
  await expect(approve).toBeDisabled();
  await expect(bob.getByRole("button", { name: "Deny" })).toBeDisabled();
  await bob.keyboard.press("Enter");
  await bob.keyboard.press("Space");
  await expect(bob.getByText("INC-4716: restore one object")).toBeVisible();
  await expect(bob.getByText("Everything, for ever")).toBeHidden();
  await accessible(bob);

  await notice.getByRole("link", { name: "look at it again" }).click();
  await becomes(bob, "Waiting for approval");
  await expect(bob.getByText("Everything, for ever")).toBeVisible();
  await expect(approve).toBeEnabled();
  await expect(bob.getByLabel("Comment")).toHaveValue("");
});

test("a page whose request is deleted keeps what it shows, and decides nothing", async ({ signIn }) => {
  const bob = await signIn("bob");
  make("INC-4716: restore one object");
  await expect(async () => {
    await bob.goto(`/requests/${NAME}`);
    await expect(bob.getByRole("button", { name: "Approve" })).toBeEnabled({ timeout: 1000 });
  }).toPass();
  remove();
  await expect(bob.getByRole("alert").filter({ hasText: GONE })).toBeVisible();
  await expect(bob.getByRole("button", { name: "Approve" })).toBeDisabled();
  await expect(bob.getByText("INC-4716: restore one object")).toBeVisible();
});

test("attack 5: what is chosen among many is not chosen when it is another request", async ({ signIn }) => {
  const bob = await signIn("bob");
  make("INC-4716: restore one object");
  await bob.goto("/waiting");
  const card = bob.locator(".decision").filter({ hasText: NAME });
  await card.getByRole("checkbox").check();
  await expect(bob.getByRole("button", { name: "Approve 1 request" })).toBeVisible();

  remove();
  make("Everything, for ever");
  await expect(card.getByText("Everything, for ever")).toBeVisible();
  await expect(card.getByRole("checkbox")).not.toBeChecked();
  await expect(card.getByText(`${NAME} is not the request that was here before`)).toBeVisible();
  await expect(bob.getByRole("button", { name: "Approve what is chosen" })).toBeVisible();
  await accessible(bob);
});
