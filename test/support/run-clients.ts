import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { aider, npmClients, pythonClients } from "../gateway/clients/support/install.ts";
import { MEASURED_FILE, type Measured } from "../gateway/clients/support/measured.ts";
import { installTools } from "./system-tools.ts";

/**
 * What `npm run test:clients` runs: the real clients of the gateway, where the loopback is the only network there is, so that
 * none can reach anything else. Words behind it go to vitest: `npm run test:clients -- -t codex`. A table of what was
 * measured comes last.
 */

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

installTools();
for (const { reason } of [
  await npmClients("npm"),
  await pythonClients(),
  await npmClients("large"),
  await aider(),
])
  if (reason !== null) console.log(`not tested: ${reason}`);

const folder = mkdtempSync(join(tmpdir(), "afk-clients-"));
try {
  const file = join(folder, "measured.jsonl");
  process.exitCode = runAlone(file);
  if (existsSync(file)) printTable(readFileSync(file, "utf8").trim().split("\n"));
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** The exit code of the tests in a network namespace of their own. */
function runAlone(file: string): number {
  const vitest = join(ROOT, "node_modules/.bin/vitest");
  const root = process.getuid?.() === 0 ? [] : ["--user", "--map-root-user"];
  const script = 'ip link set lo up && exec "$@"';
  const words = ["run", "--config=vitest.clients.config.ts", ...process.argv.slice(2)];
  const { status, error } = spawnSync(
    "unshare",
    ["--net", ...root, "sh", "-c", script, "sh", vitest, ...words],
    {
      cwd: ROOT,
      stdio: ["ignore", "inherit", "inherit"],
      env: {
        ...process.env,
        PATH: [dirname(process.execPath), process.env.PATH].join(delimiter),
        [MEASURED_FILE]: file,
      },
    },
  );
  if (error !== undefined) console.log(`unshare could not be started: ${error.message}`);
  return status ?? 1;
}

function printTable(lines: string[]): void {
  console.log("\nclient | case | requests at the gateway | at the provider | seconds | what its user reads");
  for (const line of lines) {
    const { client, case: title, requests, provider, seconds, words } = JSON.parse(line) as Measured;
    const said = words.replaceAll(/\s+/g, " ").slice(0, 200);
    console.log([client, title, requests, provider, seconds.toFixed(1), said].join(" | "));
  }
}
