import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { COMPILE_CACHE, type Deployment, deployment, fillInbox, PROCESSES } from "../support/afk.ts";
import { cases, report } from "../support/chaos.ts";
import { afkAsNobody, whyNotNobody } from "./support/as-nobody.ts";

const MAIN = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

const NOBODY = 65_534;

/** Every entry of the state with its mode, but for those that are as they should be. */
function wide(dir: string): string[] {
  const stats = lstatSync(dir);
  const mode = (stats.mode & 0o777).toString(8);
  const own = mode === (stats.isDirectory() ? "700" : "600") ? [] : [`${dir} ${mode}`];
  return stats.isDirectory() ? [...own, ...readdirSync(dir).flatMap((name) => wide(join(dir, name)))] : own;
}

function afkUnder(umask: string, target: Deployment, words: string[]) {
  const ran = spawnSync(
    "/bin/sh",
    ["-c", `umask ${umask}; exec "$@"`, "sh", process.execPath, MAIN, ...words],
    {
      cwd: target.dir,
      encoding: "utf8",
      env: { PATH: process.env.PATH ?? "", HOME: target.dir, TZ: "UTC", ...COMPILE_CACHE },
    },
  );
  return { code: ran.status, said: ran.stdout + ran.stderr };
}

it("keeps the state to its own user, whatever the umask and whatever command makes a file", PROCESSES, () => {
  const umasks = ["000", "777", "022", "077", "002"].slice(0, cases({ test: 2, chaos: 5 }));
  for (const umask of umasks) {
    const target = deployment();
    const { dir } = target;
    target.configure({
      agent: "private",
      budget: { daily_cap_usd: 1 },
      models: { chain: ["extractive"] },
      jobs: [
        { name: "digest", kind: "digest", every: "1d", sources: [{ folder: "./inbox" }] },
        { name: "mask", kind: "exec", every: "1d", command: ["/bin/sh", "-c", `umask >"${dir}/mask"`] },
      ],
    });
    fillInbox(target, 1);
    const commands = [
      ["tick"],
      ["backup", "state/backups/one.db"],
      ["report", "--retrospective"],
      ["watchdog"],
      ["drill", "alert", "--no-send"],
      ["stop"],
      ["restore", "state/backups/one.db"],
      ["release"],
      ["tick"],
    ];
    for (const words of commands) {
      const { code, said } = afkUnder(umask, target, words);
      expect(said, `${umask}: ${words.join(" ")} (${code})`).not.toMatch(/EACCES|^\s+at /m);
      expect(wide(target.state), `${umask}: ${words.join(" ")}`).toEqual([]);
    }
    expect(
      existsIn(target, ["afk.db", "lock.db", "high-water.json", "logs", "out", "runs", "ballast"]),
    ).toEqual([]);
    // What a job makes keeps the mode that its owner asked for.
    expect(readFileSync(join(target.dir, "mask"), "utf8").trim()).toBe(`0${umask}`);
  }
  report("umasks", umasks.length);
});

function existsIn(target: Deployment, names: string[]): string[] {
  const there = readdirSync(target.state);
  return names.filter((name) => !there.includes(name));
}

it("closes a state that was open to others when it is opened", PROCESSES, async () => {
  const target = deployment({
    agent: "private",
    budget: { daily_cap_usd: 1 },
    models: { chain: ["extractive"] },
    jobs: [],
  });
  expect((await target.afk(["tick"])).code).toBe(0);
  mkdirSync(join(target.state, "out"), { recursive: true });
  writeFileSync(join(target.state, "out", "old.md"), "old");
  writeFileSync(join(target.state, "of-somebody-else"), "");
  spawnSync("chmod", ["-R", "a+rwX", target.state]);
  expect((await target.afk(["tick"])).code).toBe(0);
  const other = join(target.state, "of-somebody-else");
  expect(wide(target.state)).toEqual([expect.stringContaining(other)]);
  chmodSync(join(target.state, "afk.db"), 0o644);
  expect((await target.afk(["tick"])).code).toBe(0);
  expect(wide(target.state)).toEqual([expect.stringContaining(other)]);
});

it(
  "leaves a folder that is for more than the state as it is, and closes what is afk's in it",
  PROCESSES,
  async () => {
    const config = {
      agent: "private",
      budget: { daily_cap_usd: 1 },
      models: { chain: ["extractive"] },
      jobs: [],
    };
    for (const mode of [0o1777, 0o755]) {
      const target = deployment(config);
      const shared = join(target.dir, "shared");
      // The second is shared by what else is in it.
      mkdirSync(join(shared, ...(mode === 0o755 ? ["bin"] : [])), { recursive: true });
      chmodSync(shared, mode);
      for (let n = 0; n < 2; n++) expect((await target.afk(["tick", "--state", shared])).code).toBe(0);
      expect(lstatSync(shared).mode & 0o7777).toBe(mode);
      const own = readdirSync(shared).filter((name) => name !== "bin");
      expect(own).toContain("afk.db");
      expect(own.flatMap((name) => wide(join(shared, name)))).toEqual([]);
    }
  },
);

it(
  "what root makes in another user's state is that user's, who works on in it",
  PROCESSES,
  async ({ skip }) => {
    skip(process.getuid?.() !== 0, "only root makes files in the state of another user");
    const target = deployment({
      agent: "private",
      budget: { daily_cap_usd: 1 },
      models: { chain: ["extractive"] },
      jobs: [{ name: "digest", kind: "digest", every: "1d", sources: [{ folder: "./inbox" }] }],
    });
    fillInbox(target, 1);
    chmodSync(target.dir, 0o755);
    const why = await whyNotNobody(target.dir);
    skip(why !== null, why ?? "");
    chownSync(target.dir, NOBODY, NOBODY);
    for (const words of [["tick"], ["tick", "--now", "digest"], ["watchdog"], ["stop"], ["resume"]])
      expect((await target.afk(words)).code, words.join(" ")).toBe(0);
    const foreign = readdirSync(target.state, { recursive: true })
      .map(String)
      .filter((name) => lstatSync(join(target.state, name)).uid !== NOBODY);
    expect(foreign).toEqual([]);
    const { code, stdout, stderr } = await afkAsNobody(target.dir, ["tick", "--now", "digest"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).not.toMatch(/kill_set|log_dropped|EACCES/);
  },
);
