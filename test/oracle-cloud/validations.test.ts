// biome-ignore-all lint/suspicious/noTemplateCurlyInString: Terraform and afk.yaml write names in this form.
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { folder, isInstalled, needsTerraform, render, run } from "./folder.ts";
import { secretLines } from "./secret-lines.ts";

/** Values that pass; a case replaces one of them. */
const GOOD = {
  tenancy_ocid: "ocid1.tenancy.oc1..aaaaexample",
  region: "eu-frankfurt-1",
  ssh_public_key: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExample you@host",
  ssh_cidr: "203.0.113.7/32",
  afk_image: "ghcr.io/owner/afk:0.1.0",
};
const DIGEST = `sha256:${"0123456789abcdef".repeat(4)}`;
const CONFIG = "agent: a\nmodels: { chain: [ollama/qwen2.5:3b, extractive] }\n";

// The variables and the user data need no provider, so they are planned for real in a folder of their own.
const work = mkdtempSync(join(tmpdir(), "afk-oracle-"));
for (const name of ["variables.tf", "user-data.tf", "cloud-init.yaml", "secret-patterns.txt", "afk.yaml"]) {
  cpSync(join(folder, name), join(work, name));
}
afterAll(() => rmSync(work, { recursive: true }));

beforeEach(({ skip }) => skip(!isInstalled("terraform"), needsTerraform));

/** What Terraform says against these values; nothing if it takes them. */
async function refusal(values: Record<string, unknown>): Promise<string> {
  writeFileSync(join(work, "case.auto.tfvars.json"), JSON.stringify({ ...GOOD, ...values }));
  const { code, stdout } = await run("terraform", ["plan", "-json", "-input=false", "-lock=false"], {
    cwd: work,
  });
  const details = stdout
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as { "@level": string; diagnostic?: { summary: string; detail: string } })
    .filter((line) => line["@level"] === "error")
    .map((line) => `${line.diagnostic?.summary}: ${line.diagnostic?.detail}`);
  expect(code === 0, stdout).toBe(details.length === 0);
  return details.join("\n");
}

function config(text: string): { afk_config: string } {
  writeFileSync(join(work, "mine.yaml"), text);
  return { afk_config: "mine.yaml" };
}

test("takes the defaults", async () => {
  expect(await refusal({})).toBe("");
});

describe("takes", () => {
  test.each<[string, Record<string, unknown>]>([
    ["a smaller machine", { ocpus: 1, memory_gb: 6, boot_volume_gb: 100 }],
    ["the largest machine", { ocpus: 2, memory_gb: 12, boot_volume_gb: 200, availability_domain: 3 }],
    ["an image by its digest", { afk_image: `ghcr.io/owner/afk@${DIGEST}` }],
    ["an image by tag and digest", { afk_image: `registry.example:5000/a/b-c/afk:1.0@${DIGEST}` }],
    ["an image without a registry", { afk_image: "afk:test" }],
    ["a quota for one compartment", { quota_scope: "compartment parent:afk" }],
    ["no quota", { quota_scope: "none" }],
    ["no model", { model: "" }],
    ["a network of a company", { ssh_cidr: "198.51.100.0/24" }],
  ])("%s", async (_name, values) => {
    expect(await refusal(values)).toBe("");
  });

  test("a configuration that names its secrets only", async () => {
    const text = `${CONFIG}alerts: [{ type: ntfy, url: "\${ALERT_WEBHOOK}" }]\nproviders: { openai: { api_key: "\${OPENAI_API_KEY}" } }\nmax_output_tokens: 512\n`;
    expect(await refusal(config(text))).toBe("");
  });
});

describe("refuses", () => {
  test.each<[string, Record<string, unknown>, RegExp]>([
    ["more processors than are free", { ocpus: 4 }, /2 OCPUs .* in all .* billed/],
    ["a part of a processor", { ocpus: 1.5 }, /1 or 2/],
    ["no processor", { ocpus: 0 }, /1 or 2/],
    ["more memory than is free", { memory_gb: 24 }, /12 GB .* in all .* billed/],
    ["a little more memory than is free", { memory_gb: 13 }, /12 GB/],
    ["too little memory", { memory_gb: 1 }, /from 2 to 12/],
    ["more disk than is free", { boot_volume_gb: 201 }, /200 GB of block storage in all/],
    ["less disk than Oracle makes", { boot_volume_gb: 47 }, /none smaller than 50 GB/],
    ["an availability domain that cannot be", { availability_domain: 0 }, /1, 2 or 3/],
    ["ssh from everywhere", { ssh_cidr: "0.0.0.0/0" }, /not open port 22 to the world/],
    ["ssh from everywhere by another name", { ssh_cidr: "203.0.113.7/0" }, /not open port 22 to the world/],
    ["ssh from half of the world", { ssh_cidr: "0.0.0.0/1" }, /not open port 22 to the world/],
    ["ssh from everywhere in IPv6", { ssh_cidr: "::/0" }, /not open port 22 to the world/],
    ["an IPv6 network", { ssh_cidr: "2001:db8::/64" }, /IPv4 CIDR/],
    ["an address without a prefix", { ssh_cidr: "203.0.113.7" }, /IPv4 CIDR/],
    ["a number that is no part of an address", { ssh_cidr: "203.0.113.700/32" }, /IPv4 CIDR/],
    ["a prefix that is too long", { ssh_cidr: "203.0.113.7/33" }, /IPv4 CIDR/],
    ["an image without a tag", { afk_image: "ghcr.io/owner/afk" }, /tag or a digest/],
    ["a registry's port taken for a tag", { afk_image: "localhost:5000/afk" }, /tag or a digest/],
    ["an image in capitals", { afk_image: "ghcr.io/Owner/afk:1" }, /tag or a digest/],
    ["an image that ends the quotes", { afk_image: "afk:1';reboot;'" }, /tag or a digest/],
    ["an image of two lines", { afk_image: "afk:1\nreboot" }, /tag or a digest/],
    ["a short digest", { afk_image: "afk@sha256:abc" }, /tag or a digest/],
    ["a model that ends the quotes", { model: "a'$(reboot)'" }, /name that Ollama knows/],
    ["a time that is none", { reboot_time: "24:00" }, /HH:MM/],
    ["a start without everything", { start_without: "alerts'; reboot" }, /empty, "alerts"/],
    [
      "a quota that says more than its scope",
      { quota_scope: "tenancy where request.region = 'x'" },
      /quota_scope must be/,
    ],
    [
      "a private key",
      { ssh_public_key: "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n" },
      /Never give a private key/,
    ],
    ["a tenancy that is a user", { tenancy_ocid: "ocid1.user.oc1..aaaa" }, /tenancy's OCID/],
    ["a region that is none", { region: "Frankfurt" }, /region's identifier/],
    ["a configuration that is not there", { afk_config: "nothing.yaml" }, /path of a text file/],
    ["a model that the configuration does not name", { model: "llama3.2:3b" }, /does not name ollama\/MODEL/],
  ])("%s", async (_name, values, message) => {
    expect(await refusal(values)).toMatch(message);
  });

  test.each(secretLines)("a configuration with %s", async (_name, line) => {
    expect(await refusal(config(`${CONFIG}${line}\n`))).toMatch(/looks as if it held a key/);
  });
});

test("Terraform and ./render make the same user data", async () => {
  expect(await refusal(config(CONFIG))).toBe("");
  const expression = "base64encode(local.user_data)";
  const { stdout } = await run("terraform", ["console"], { cwd: work, input: expression });
  const rendered = await render("--image", GOOD.afk_image, "--config", join(work, "mine.yaml"));
  expect(rendered.stderr).toBe("");
  expect(Buffer.from(stdout.replaceAll('"', ""), "base64").toString()).toBe(rendered.stdout);
});
