import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { findBreaches } from "../../src/faults/oracles/inspect.ts";
import { PROCESSES } from "../support/afk.ts";
import { type GatewayJob, gatewayJob } from "../support/gateway-job.ts";
import { gitRepository } from "../support/git-repository.ts";

/** Asks a model for each word, and writes the answers into a file of the repository. */
const AGENT = `import { appendFileSync } from "node:fs";
for (const word of process.argv.slice(2)) {
  const body = JSON.stringify({ model: "test-model", max_tokens: 50, messages: [{ role: "user", content: process.cwd() + word }] });
  const headers = { authorization: "Bearer " + process.env.OPENAI_API_KEY, "content-type": "application/json" };
  const reply = await fetch(process.env.OPENAI_BASE_URL + "/chat/completions", { method: "POST", headers, body });
  if (!reply.ok) { console.error(await reply.text()); process.exit(3); }
  appendFileSync("answers.txt", (await reply.json()).choices[0].message.content + "\\n");
  appendFileSync(process.env.AFK_LOG, word + " " + (reply.headers.get("x-afk-replayed") === null ? "bought" : "replayed") + "\\n");
}
console.log("All asked.");
`;

async function agentJob(
  words: string[],
  over: { job?: object; budget?: object } = {},
): Promise<GatewayJob & { log(): string[] }> {
  const at = await gatewayJob([], {
    ...(over.budget !== undefined && { budget: over.budget }),
    job: {
      name: "fix",
      kind: "agent",
      gateway: undefined,
      command: [process.execPath, "{base}/agent.mjs", ...words],
      prompt: "Ask, and write it down.",
      repo: "./repo",
      ...over.job,
    },
  });
  at.target.write("agent.mjs", AGENT);
  gitRepository({ "readme.md": "# A repository\n" }, join(at.target.dir, "repo"));
  const log = join(at.target.dir, "log");
  const config = JSON.parse(readFileSync(at.target.configFile, "utf8"));
  config.jobs[0].env = { AFK_LOG: log };
  at.target.configure(config);
  return { ...at, log: () => readFileSync(log, "utf8").trimEnd().split("\n") };
}

function leftBehind({ target }: GatewayJob): string[] {
  const homes = join(target.state, "homes");
  return existsSync(homes) ? readdirSync(homes) : [];
}

it("gives a patch, its last message and what it cost, charged to the job", PROCESSES, async () => {
  const at = await agentJob(["one", "two"]);
  const ended = await at.target.afk(["tick", "--json"]);
  expect(ended.code, ended.stderr).toBe(0);
  const [[name, patch] = ["", ""]] = Object.entries(at.target.outputs());
  expect(name).toMatch(/^fix-.+\.patch$/);
  expect(patch).toContain("+++ b/answers.txt");
  expect(
    at.target.query(
      "select job_name, state, count(*) as n, sum(cost_micros) as micros from ledger group by 1, 2",
    ),
  ).toEqual([{ job_name: "fix", state: "settled", n: 2, micros: at.billMicros() }]);
  const done = at.target.logs().find(({ event }) => event === "job_done");
  expect(done?.summary).toMatch(/^1 file, \+2 -0; 2 requests for \$0\.\d+, \d+ s$/);
  const shown = await at.target.afk(["jobs", "show", "fix"]);
  expect(shown.stdout).toContain("changed 1 file, +2 -0");
  expect(leftBehind(at)).toEqual([]);
  expect(findBreaches(at.target.state)).toEqual([]);
});

it(
  "begins again in a new worktree when afk was killed in the middle, and buys nothing twice",
  PROCESSES,
  async () => {
    const at = await agentJob(["one", "two", "three"]);
    at.server.script([{ type: "reply" }, { type: "reply" }]);
    at.server.otherwise({ type: "slow", everyMs: 100 });
    const worker = at.target.start(["tick"]);
    await at.server.request(3);
    worker.kill("SIGKILL");
    await worker.ended;
    at.server.otherwise({ type: "reply" });
    const ended = await at.target.afk(["tick"]);
    expect(ended.code, ended.stderr).toBe(0);
    expect(at.log()).toEqual(["one bought", "two bought", "one replayed", "two replayed", "three bought"]);
    // The third was on its way at the kill: it is charged at its worst case, and asked for once more.
    expect(at.asked()).toHaveLength(4);
    expect(at.target.query("select state, count(*) as n from ledger group by 1 order by 1")).toEqual([
      { state: "settled", n: 3 },
      { state: "unknown", n: 1 },
    ]);
    // What the first attempt had written was thrown away.
    expect(Object.values(at.target.outputs())[0]?.match(/^\+[^+]/gm)).toHaveLength(3);
    expect(leftBehind(at)).toEqual([]);
    expect(findBreaches(at.target.state)).toEqual([]);
  },
);

it("is stopped by the cap of its run, and waits for room", PROCESSES, async () => {
  const at = await agentJob(["one", "two", "three"], { job: { caps: { run_calls: 2 } } });
  expect((await at.target.afk(["tick"])).code).toBe(0);
  expect(at.server.requests).toHaveLength(2);
  expect(at.target.outputs()).toEqual({});
  const [job] = at.target.query<{ state: string; error: string }>("select state, error from jobs");
  expect(job?.state).toBe("ready");
  expect(job?.error).toMatch(/its last request was refused/);
});
