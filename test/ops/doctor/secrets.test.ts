import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { secrets } from "../../../src/ops/doctor/configuration.ts";
import { opsHarness } from "../harness.ts";
import { hostWith } from "./harness.ts";

async function looked(over: Parameters<typeof hostWith>[0] = {}, config: Record<string, unknown> = {}) {
  const { config: loaded, rails } = await opsHarness(config);
  const look = async () =>
    [await secrets({ config: loaded, clock: rails.clock, host: hostWith(over) })].flat();
  return { look, base: loaded.paths.base, configFile: loaded.paths.configFile };
}

test("where there are no secrets in files, nothing is wrong with them", async () => {
  const { look } = await looked();
  expect(await look()).toMatchObject([{ result: "ok", found: "in no file here" }]);
});

test.each([
  [0o600, "ok"],
  [0o640, "ok"],
  [0o604, "bad"],
  [0o644, "bad"],
  [0o660, "bad"],
])("a secret's file of mode %o is %s", async (mode, result) => {
  const { base } = await looked();
  const path = join(base, "webhook");
  writeFileSync(path, "https://example.org/secret");
  chmodSync(path, mode);
  const { look } = await looked({ environment: { ALERT_WEBHOOK_FILE: path } });
  const [finding] = await look();
  expect(finding).toMatchObject({ result, mend: result === "ok" ? null : `chmod 600 ${path}` });
});

test("a secret's file that belongs to a stranger is told of", async () => {
  const { base } = await looked();
  const path = join(base, "key");
  writeFileSync(path, "secret");
  chmodSync(path, 0o600);
  const environment = { OPENAI_API_KEY_FILE: path };
  const uid = process.getuid?.() ?? 0;
  const { look } = await looked({ environment, userId: uid + 1 });
  // root may own what anybody reads.
  expect(await look()).toMatchObject([{ result: uid === 0 ? "ok" : "bad" }]);
});

test("the environment's file is looked at, and not read", async () => {
  const { base } = await looked();
  const envFile = join(base, "env");
  writeFileSync(envFile, "KEY=secret\n");
  chmodSync(envFile, 0o644);
  const { look } = await looked({ envFile });
  expect(await look()).toMatchObject([
    { result: "bad", found: expect.stringContaining("the environment file") },
  ]);
  chmodSync(envFile, 0o600);
  expect(await look()).toMatchObject([{ result: "ok" }]);
});

test("a configuration that holds a secret itself must not be readable for all", async () => {
  const alerts = [{ type: "webhook", url: "https://example.org/hooks/abcdefghijklmnopqrstuvwxyz" }];
  const { look, configFile } = await looked({}, { alerts });
  chmodSync(configFile, 0o644);
  expect(await look()).toMatchObject([
    {
      result: "bad",
      found: expect.stringContaining("which holds a secret itself"),
      mend: expect.stringContaining("variable"),
    },
  ]);
  chmodSync(configFile, 0o600);
  expect(await look()).toMatchObject([{ result: "ok" }]);
  const other = await looked();
  chmodSync(other.configFile, 0o644);
  expect(await other.look()).toMatchObject([{ result: "ok" }]);
});

test("the env_file of a job must not be readable for all", async () => {
  const jobs = [{ name: "script", kind: "plain", command: ["true"], env_file: "vars" }];
  const { look, base } = await looked({}, { jobs });
  writeFileSync(join(base, "vars"), "TOKEN=secret\n");
  chmodSync(join(base, "vars"), 0o644);
  expect(await look()).toMatchObject([
    { result: "bad", found: expect.stringContaining("env_file of script"), mend: `chmod 600 ${base}/vars` },
  ]);
  chmodSync(join(base, "vars"), 0o600);
  expect(await look()).toMatchObject([{ result: "ok" }]);
});
