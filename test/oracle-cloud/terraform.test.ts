// biome-ignore-all lint/suspicious/noTemplateCurlyInString: Terraform and afk.yaml write names in this form.
import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { folder, isInstalled, needsTerraform, read, run, terraformFiles } from "./folder.ts";
import { block, blocks, parseFolder } from "./hcl.ts";

const hcl = await parseFolder();
const source = terraformFiles.map(read).join("\n");
const instance = hcl.resources.get("oci_core_instance.afk")!;

/** All that this folder may ever make. None of it costs anything within the limits that the variables enforce. */
const FREE_TYPES = [
  "oci_core_vcn",
  "oci_core_internet_gateway",
  "oci_core_route_table",
  "oci_core_security_list",
  "oci_core_subnet",
  "oci_core_instance",
  "oci_limits_quota",
];

test("every variable that is used is declared, and every declared one is used", () => {
  const used = new Set([...source.matchAll(/\bvar\.(\w+)/g)].map((match) => match[1]!));
  // A validation names its own variable; that alone is no use.
  const outsideOfVariables = terraformFiles
    .filter((name) => name !== "variables.tf")
    .map(read)
    .join("\n");
  const usedForSomething = new Set([...outsideOfVariables.matchAll(/\bvar\.(\w+)/g)].map((m) => m[1]!));

  expect([...used].filter((name) => !hcl.variables.has(name))).toEqual([]);
  expect([...hcl.variables.keys()].filter((name) => !usedForSomething.has(name))).toEqual([]);
});

test("every variable and every output says what it is", () => {
  for (const [name, one] of [...hcl.variables, ...hcl.outputs]) {
    expect(one.description, name).toMatch(/^[A-Z].{10,}\.$/s);
  }
  for (const [name, one] of hcl.variables) expect(one.type, name).toMatch(/^\$\{(string|number)\}$/);
});

test("every resource, data source and local that is named exists", () => {
  const references = [...source.matchAll(/\b(data\.)?(oci_\w+)\.(\w+)\b/g)];
  expect(references.length).toBeGreaterThan(8);
  for (const [text, isData, type, name] of references) {
    expect((isData ? hcl.data : hcl.resources).has(`${type}.${name}`), text).toBe(true);
  }
  for (const [, name] of source.matchAll(/\blocal\.(\w+)/g)) expect(hcl.locals, name).toHaveProperty(name!);
});

test("every file that is named exists", () => {
  const named = [...source.matchAll(/\$\{path\.module\}\/([\w.-]+)/g)].map((match) => match[1]!);
  expect(named).toContain("cloud-init.yaml");
  named.push(String(hcl.variables.get("afk_config")!.default));
  for (const name of named) expect(existsSync(`${folder}${name}`), name).toBe(true);
});

test("makes nothing but what is free", () => {
  const types = [...hcl.resources.keys()].map((key) => key.split(".")[0]);
  expect(types.filter((type) => !FREE_TYPES.includes(type!))).toEqual([]);
});

test("the provider is pinned to one version", () => {
  const providers = block(hcl.terraform, "required_providers") as {
    oci: { source: string; version: string };
  };
  expect(Object.keys(providers)).toEqual(["oci"]);
  expect(providers.oci.source).toBe("oracle/oci");
  expect(providers.oci.version).toMatch(/^\d+\.\d+\.\d+$/);
});

test("the machine is the free one, and its size comes from variables with limits", () => {
  expect(hcl.locals.shape).toBe("VM.Standard.A1.Flex");
  expect(instance.shape).toBe("${local.shape}");
  expect(block(instance, "shape_config")).toEqual({
    ocpus: "${var.ocpus}",
    memory_in_gbs: "${var.memory_gb}",
  });
  expect(hcl.variables.get("ocpus")!.default).toBe(2);
  expect(hcl.variables.get("memory_gb")!.default).toBe(12);
  expect(hcl.variables.get("boot_volume_gb")!.default).toBe(50);
  for (const [name, limit] of [
    ["ocpus", "2 OCPUs"],
    ["memory_gb", "12 GB"],
    ["boot_volume_gb", "200 GB"],
  ] as const) {
    const message = block(hcl.variables.get(name)!, "validation").error_message;
    expect(message, name).toContain(limit);
    expect(message, name).toContain("billed");
  }
});

test("the boot volume is of the free size and speed, and goes with the machine", () => {
  expect(block(instance, "source_details")).toMatchObject({
    source_type: "image",
    boot_volume_size_in_gbs: "${var.boot_volume_gb}",
    boot_volume_vpus_per_gb: 10,
  });
  expect(instance.preserve_boot_volume).toBe(false);
  expect(instance.is_pv_encryption_in_transit_enabled).toBe(true);
});

test("a new image or a new configuration does not replace the machine", () => {
  expect(block(instance, "lifecycle").ignore_changes).toEqual(["${source_details}", "${metadata}"]);
});

test("the old metadata endpoints are off", () => {
  expect(block(instance, "instance_options").are_legacy_imds_endpoints_disabled).toBe(true);
});

test("the image is the newest Ubuntu 24.04 for aarch64, and not the Minimal one", () => {
  const images = hcl.data.get("oci_core_images.ubuntu")!;
  expect(images).toMatchObject({
    operating_system: "Canonical Ubuntu",
    operating_system_version: "24.04",
    shape: "${local.shape}",
    sort_by: "TIMECREATED",
    sort_order: "DESC",
  });
  const filter = block(images, "filter") as { values: string[]; regex: boolean };
  expect(filter.regex).toBe(true);
  const pattern = new RegExp(filter.values[0]!.replaceAll("\\\\", "\\"));
  expect("Canonical-Ubuntu-24.04-aarch64-2026.09.18-0").toMatch(pattern);
  expect("Canonical-Ubuntu-24.04-Minimal-aarch64-2026.09.18-0").not.toMatch(pattern);
});

test("nothing comes in but ssh, from ssh_cidr; no default security list is in force", () => {
  const lists = [...hcl.resources].filter(([key]) => key.startsWith("oci_core_security_list."));
  expect(lists.map(([key]) => key)).toEqual(["oci_core_security_list.afk"]);
  const [rule, ...more] = blocks(lists[0]![1], "ingress_security_rules");
  expect(more).toEqual([]);
  expect(rule).toMatchObject({
    protocol: "6",
    source: "${var.ssh_cidr}",
    tcp_options: [{ min: 22, max: 22 }],
  });
  expect(hcl.variables.get("ssh_cidr")).not.toHaveProperty("default");

  const subnet = hcl.resources.get("oci_core_subnet.afk")!;
  expect(subnet.security_list_ids).toEqual(["${oci_core_security_list.afk.id}"]);
  expect(block(instance, "create_vnic_details")).not.toHaveProperty("nsg_ids");
});

test("everything may go out, by one gateway", () => {
  const list = hcl.resources.get("oci_core_security_list.afk")!;
  expect(block(list, "egress_security_rules")).toMatchObject({ protocol: "all", destination: "0.0.0.0/0" });
  const route = block(hcl.resources.get("oci_core_route_table.afk")!, "route_rules");
  expect(route.network_entity_id).toBe("${oci_core_internet_gateway.afk.id}");
});

test("everything that can be tagged is", () => {
  for (const [key, resource] of hcl.resources) expect(resource.freeform_tags, key).toBe("${local.tags}");
});

test("the quota policy closes each family before it opens what is free, and can be switched off", () => {
  const quota = hcl.resources.get("oci_limits_quota.free_only")!;
  expect(quota.count).toBe('${var.quota_scope == "none" ? 0 : 1}');
  expect(quota.compartment_id).toBe("${var.tenancy_ocid}");
  expect(hcl.variables.get("quota_scope")!.default).toBe("tenancy");

  const statements = hcl.locals.quota_statements as string[];
  const form =
    /^(zero [a-z-]+ quotas? ?[a-z0-9-]*|set [a-z-]+ quota [a-z0-9-]+ to \d+) in \$\{(var\.quota_scope|local\.here|local\.in_domain)\}$/;
  for (const statement of statements) expect(statement).toMatch(form);
  for (const [set, limit] of [
    ["standard-a1-core-count", 2],
    ["standard-a1-memory-count", 12],
    ["total-storage-gb", 200],
  ] as const) {
    const opens = statements.findIndex((statement) => statement.includes(`quota ${set} to ${limit} `));
    const family = statements[opens]!.split(" ")[1]!;
    const closes = statements.findIndex((statement) => statement.startsWith(`zero ${family} `));
    expect(closes, set).toBeGreaterThanOrEqual(0);
    expect(closes, set).toBeLessThan(opens);
  }
});

test("what Oracle takes as metadata at most is checked before the machine is made", () => {
  const precondition = block(block(instance, "lifecycle"), "precondition");
  expect(precondition.condition).toContain("<= 31000");
  expect(precondition.error_message).toContain("32,000 bytes");
});

test("the README names every variable, and only files that exist", () => {
  const readme = read("README.md");
  for (const name of hcl.variables.keys()) expect(readme, name).toContain(`\`${name}\``);
  const links = [...readme.matchAll(/\]\(([^)#:]+)\)/g)].map((match) => match[1]!);
  expect(links).toContain("cloud-init.yaml");
  for (const link of links) expect(existsSync(`${folder}${link}`), link).toBe(true);
});

test("the README gives the same quota policy to those without Terraform", () => {
  const statements = (hcl.locals.quota_statements as string[]).map((statement) =>
    statement
      .replace("${var.quota_scope}", "tenancy")
      .replace("${local.here}", "tenancy where request.region = 'REGION'")
      .replace("${local.in_domain}", "tenancy where request.ad = 'DOMAIN'"),
  );
  const [, given] = read("README.md").match(/--statements '(\[.*?\])'\n/s)!;
  expect(JSON.parse(given!.replaceAll("'\\''", "'"))).toEqual(statements);
  expect(hcl.locals.here).toBe("${var.quota_scope} where request.region = '${var.region}'");
  expect(hcl.locals.in_domain).toBe("${var.quota_scope} where request.ad = '${local.availability_domain}'");
});

test("the README's scripts can be read by sh", async () => {
  const scripts = [...read("README.md").matchAll(/^```sh\n(.*?)^```/gms)].map((match) => match[1]!);
  expect(scripts).toHaveLength(2);
  for (const script of scripts) expect((await run("sh", ["-n"], { input: script })).stderr).toBe("");
});

test("terraform.tfvars.example gives exactly the variables without a default", () => {
  const given = [...read("terraform.tfvars.example").matchAll(/^(\w+) *=/gm)].map((match) => match[1]);
  const needed = [...hcl.variables].filter(([, one]) => !("default" in one)).map(([name]) => name);
  expect(given.sort()).toEqual(needed.sort());
});

test("the files have no tabs, no spaces at the end of a line, and end with one line feed", () => {
  for (const name of terraformFiles) {
    expect(read(name), name).not.toMatch(/\t| $/m);
    expect(read(name), name).toMatch(/[^\n]\n$/);
  }
});

test("the files are formatted as terraform fmt does it", async ({ skip }) => {
  skip(!isInstalled("terraform"), needsTerraform);
  const { code, stdout } = await run("terraform", ["fmt", "-check", "-diff", folder]);
  expect(stdout).toBe("");
  expect(code).toBe(0);
});
