// @module-tag processes
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { buildBundle } from "../scripts/build.ts";
import { type Ended, runNode } from "./support/run-node.ts";
import { tempDir } from "./support/temp.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const QUICK_START = join(ROOT, "examples/quickstart");
/** A megabyte of it is the mail client, which only jobs with a mailbox load. */
const BYTES_MAX = 6_400_000;

/** The bundle, and the one package that it needs, far from the sources. */
const folder = mkdtempSync(join(tmpdir(), "afk-bundle-"));
const dist = join(folder, "dist");
const main = join(dist, "main.js");

beforeAll(async () => {
  await buildBundle(dist);
  const name = "node_modules/better-sqlite3";
  cpSync(join(ROOT, name), join(folder, name), {
    recursive: true,
    filter: (path) => !/better-sqlite3\/(?:deps|src)$/.test(path),
  });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the bundle", () => {
  test("says its version and its commands", async () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
    expect(await runNode(main, ["--version"])).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
    expect((await runNode(main, ["--help"])).stdout).toContain("One bounded pass");
    expect((await runNode(main, ["tik"])).code).toBe(2);
  });

  test("is small, and keeps what talks to the network out of what a status loads", () => {
    const files = readdirSync(dist);
    const bytes = files.reduce((sum, name) => sum + statSync(join(dist, name)).size, 0);
    process.stdout.write(`the bundle: ${files.length} files, ${bytes} bytes\n`);
    expect(bytes).toBeLessThan(BYTES_MAX);
    const ofetch = files.filter((name) => readFileSync(join(dist, name), "utf8").includes("FetchError"));
    expect(ofetch).toHaveLength(1);
    for (const entry of ["main.js", "library.js", "wedge-thread.js", "supervisor.js"])
      expect(loadedAtOnce(entry)).not.toContain(ofetch[0]);
    // The guard's thread is in every process, and loads neither the configuration nor the jobs.
    const bytesOf = (names: string[]) =>
      names.reduce((sum, name) => sum + statSync(join(dist, name)).size, 0);
    expect(bytesOf(loadedAtOnce("wedge-thread.js"))).toBeLessThan(200_000);
  });

  test("replaces a folder as a whole, and only when there is something to put there", async () => {
    const old = join(tempDir(), "dist");
    mkdirSync(old);
    writeFileSync(join(old, "stale.js"), "");
    await buildBundle(old);
    expect(readdirSync(old)).toContain("main.js");
    expect(readdirSync(old)).not.toContain("stale.js");
  });

  test("makes a configuration, and examines it", async () => {
    const at = place();
    expect(await at.afk("init", "--yes")).toMatchObject({ code: 0 });
    const { stdout } = await at.afk("doctor", "--offline", "--json");
    const checks: { name: string; result: string }[] = JSON.parse(stdout).checks;
    expect(checks.find(({ name }) => name === "state")).toMatchObject({ result: "ok" });
  });

  test("does the quick start", async () => {
    const at = place();
    for (const name of ["afk.yaml", "feeds", "inbox"]) {
      cpSync(join(QUICK_START, name), join(at.dir, name), { recursive: true });
    }
    expect(await at.afk("tick")).toMatchObject({ code: 0 });
    const [digest = ""] = at.outputs().filter((name) => name.endsWith(".md"));
    const text = readFileSync(join(at.dir, "state/out", digest), "utf8");
    expect(text).toContain("Harbour Works");
    // Text, XML, JSON and mail were all read by what the bundle carries.
    expect(text).toContain("14 new items");
    const { stdout } = await at.afk("status", "--json");
    expect(JSON.parse(stdout)).toMatchObject({ agent: "quickstart", queue: { done: 1, dead: 0 } });
  });

  test("gives the demonstration, with a server and a database of its own", async () => {
    const { code, stdout } = await runNode(main, ["demo", "--json"]);
    expect({ code, ...JSON.parse(stdout) }).toMatchObject({ code: 0, ok: true, capUsd: 1 });
  });

  test("runs a command under its supervisor, and kills what that leaves behind", async () => {
    const left = `300.${process.pid}`;
    const at = place({
      jobs: [
        {
          name: "greet",
          kind: "exec",
          every: "1d",
          publish: true,
          command: ["sh", "-c", `sleep ${left} > /dev/null 2>&1 & tr '\\0' ' ' < /proc/$PPID/cmdline`],
        },
      ],
    });
    expect(await at.afk("tick")).toMatchObject({ code: 0 });
    const [file = ""] = at.outputs();
    expect(readFileSync(join(at.dir, "state/out", file), "utf8")).toContain(join(dist, "supervisor.js"));
    expect(execFileSync("ps", ["-A", "-o", "args="], { encoding: "utf8" })).not.toContain(`sleep ${left}`);
  });

  test("is killed by its guard when it hangs", async () => {
    const at = place({ jobs: [] });
    const hang = at.write(
      "hang.mjs",
      `import { existsSync, writeSync } from "node:fs";
       setInterval(() => {
         if (!existsSync("hang")) return;
         writeSync(1, "it hangs");
         for (;;);
       }, 20);`,
    );
    const child = spawn(process.execPath, ["--import", hang, main, "run"], {
      cwd: at.dir,
      env: { PATH: process.env.PATH ?? "" },
      stdio: ["ignore", "pipe", "inherit"],
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    const ended = once(child, "exit");
    await saidBy(child.stdout, '"event":"tick_finished"');
    at.write("hang", "");
    await saidBy(child.stdout, "it hangs");
    at.write("state/STOP", "");
    expect(await ended).toEqual([null, "SIGKILL"]);
    const [log = ""] = readdirSync(join(at.dir, "state/logs"));
    expect(readFileSync(join(at.dir, "state/logs", log), "utf8")).toContain('"event":"wedged"');
  });

  test("simulates days in a thread of its own", async () => {
    const at = place({
      jobs: [{ name: "digest", kind: "digest", every: "6h", sources: [{ folder: "inbox" }] }],
    });
    const { code, stdout } = await at.afk("simulate", "--days", "1", "--seed", "2", "--json");
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, seed: 2, violation: null });
    expect(existsSync(join(at.dir, "state"))).toBe(false);
  });

  test("is a library too", async () => {
    const at = place({ jobs: [] });
    const program = at.write(
      "program.mjs",
      `import { openAgent } from ${JSON.stringify(join(dist, "library.js"))};
       const agent = await openAgent();
       console.log((await agent.status()).agent);
       await agent.close();`,
    );
    expect(await at.node(program)).toEqual({ code: 0, stdout: "bundled\n", stderr: "" });
  });
});

describe("the command of the package", () => {
  const COMMAND = "bin/afk.js";

  test("is the bundle where there are no sources, as in what is published", async () => {
    const at = place();
    const copy = join(folder, COMMAND);
    mkdirSync(dirname(copy), { recursive: true });
    cpSync(join(ROOT, COMMAND), copy);
    expect(await at.node(copy, ["--version"])).toMatchObject({ code: 0, stderr: "" });
  });

  test("is the sources in a checkout", async () => {
    expect(await runNode(join(ROOT, COMMAND), ["--version"])).toMatchObject({ code: 0, stderr: "" });
  });

  test.each(["20.20.2", "22.21.1"])(
    "says to Node %s that it is too old, and does nothing",
    async (version) => {
      const at = place();
      const pretend = at.write(
        "pretend.mjs",
        `Object.defineProperty(process, "versions", { value: { node: "${version}" } });`,
      );
      const { code, stdout, stderr } = await runNode("--import", [
        pretend,
        join(ROOT, COMMAND),
        "init",
        "--yes",
      ]);
      expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
      expect(stderr).toContain(`afk needs Node 22.22 or newer; this is Node ${version}`);
    },
  );

  test("asks for the same Node as package.json and the program itself", () => {
    const { engines } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
    expect(engines.node).toBe(">=22.22");
    expect(readFileSync(join(ROOT, "src/cli/main.ts"), "utf8")).toContain("NODE_OLDEST = [22, 22]");
  });
});

/** A folder with an afk.yaml, in which the bundle's commands run. */
function place(config?: object) {
  const dir = tempDir();
  const write = (name: string, content: string): string => {
    const path = join(dir, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    return path;
  };
  if (config !== undefined) {
    const common = { agent: "bundled", budget: { daily_cap_usd: 1 }, models: { chain: ["extractive"] } };
    write("afk.yaml", JSON.stringify({ ...common, ...config }));
  }
  const node = (script: string, words: string[] = [], environment = {}): Promise<Ended> => {
    const own = { AFK_CONFIG: join(dir, "afk.yaml"), AFK_STATE: join(dir, "state"), HOME: dir };
    return runNode(script, words, { ...own, ...environment });
  };
  return {
    dir,
    write,
    node,
    afk: (...words: string[]) => node(main, words),
    outputs: () => readdirSync(join(dir, "state/out")),
  };
}

/** The files that a file loads as it is loaded itself, with what those load; what a function loads later does not count. */
function loadedAtOnce(entry: string, seen = new Set<string>()): string[] {
  if (seen.has(entry)) return [];
  seen.add(entry);
  const text = readFileSync(join(dist, entry), "utf8");
  for (const [, later, name] of text.matchAll(
    /(=>(?:\/\* @__PURE__ \*\/ )?(?:[\w.$]+\()?)?require\("\.\/([^"]+)"\)/g,
  ))
    if (later === undefined && name) loadedAtOnce(name, seen);
  return [...seen];
}

/** Goes on reading afterwards, so that the process can go on writing. */
function saidBy(stream: NodeJS.ReadableStream, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = "";
    stream.on("data", (piece) => {
      said += piece;
      if (said.includes(text)) resolve();
    });
    stream.once("close", () => reject(new Error(`it ended without ${text}:\n${said}`)));
  });
}
