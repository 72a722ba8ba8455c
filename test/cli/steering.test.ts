// @module-tag slow
// @module-tag processes
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  addAlert,
  addBreaker,
  addDraft,
  addJob,
  addResult,
  addTick,
  MINUTE,
} from "../ops/condition/making.ts";
import { type Judged, judgedFrom, makeTemplate } from "../ops/condition/template.ts";
import { afk } from "./commands/in-process.ts";

/** What moves the cursor, colours, names the window, links elsewhere, hides or turns round. */
const STEERS =
  "\u001b[31mred\u001b]0;title\u0007\u009b31m\u202eback\u200b\rover\nnext\u2028x\u0000y\u001b]8;;http://evil\u001b\\link";
// biome-ignore lint/suspicious/noControlCharactersInRegex: it is what is looked for.
const STEERING = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b\u2028\u202a-\u202e\u2066-\u2069]/;

let template: Awaited<ReturnType<typeof makeTemplate>>;
let state: Judged;
let dead: string;

beforeAll(async () => {
  template = await makeTemplate();
});
afterAll(() => template.remove());

function fill(): void {
  const { insert, nowMs, run } = state;
  addTick(state, { outcome: "failed", reason: STEERS, version: STEERS });
  const named = { name: STEERS, label: STEERS, error: STEERS };
  dead = addJob(state, {
    ...named,
    state: "dead",
    payload: JSON.stringify(STEERS),
    key: `k@${STEERS}`,
    kind: "exec",
  });
  addJob(state, { ...named, waiting_since: nowMs });
  const letter = {
    payload: STEERS,
    error: STEERS,
    cause: STEERS,
    attempts: 5,
    trace: JSON.stringify({ x: STEERS }),
  };
  insert("dead_letters", {
    job_id: dead,
    key: `k@${STEERS}`,
    name: STEERS,
    kind: "exec",
    ...letter,
    died_at: nowMs,
  });
  const written = { stdout: STEERS, stderr: STEERS, truncated: false };
  insert("steps", { job_id: dead, name: "run", result: JSON.stringify(written), created_at: nowMs });
  const source = JSON.stringify({ label: STEERS, items: [], notes: [STEERS], error: STEERS });
  run("update steps set result = ? where name like 'fetch:%'", source);
  addAlert(state, { attempts: 3, error: STEERS });
  addResult(state, { state: "dead", attempts: 3, error: STEERS });
  addBreaker(state, `host:${STEERS}`, { reason: STEERS });
  addBreaker(state, `client:${STEERS}`, { reason: STEERS });
  addDraft(state, "pending");
  insert("model_refusals", { model: "extractive", since_at: nowMs, last_at: nowMs, reason: STEERS });
  const item = {
    item_key: STEERS,
    label: STEERS,
    title: STEERS,
    link: STEERS,
    source: STEERS,
    summary: STEERS,
  };
  insert("digest_items", { id: "abc123", job: "digest", ...item, created_at: nowMs });
  const file = { name: `x${STEERS}.md`, content: STEERS, state: "pending", created_at: nowMs - 2 * MINUTE };
  insert("outputs", { ...file, job_id: dead, published_at: null });
  run("update kill_switch set set_at = ?, reason = ?", nowMs, STEERS);
}

test("no command lets a text of foreign origin steer the terminal", async () => {
  state = await judgedFrom(template.dir);
  fill();
  const commands = [
    ["status"],
    ["health"],
    ["doctor", "--offline"],
    ["watchdog"],
    ["jobs"],
    ["jobs", "show", dead],
    ["jobs", "show", STEERS],
    ["dead"],
    ["dead", "show", dead],
    ["dead", "show", STEERS],
    ["drafts"],
    ["ledger"],
    ["logs"],
    ["logs", "--event", STEERS],
    ["incidents"],
    ["report"],
    ["rate", "abc123", "up"],
    ["rate", STEERS, "up"],
    ["deliver", STEERS],
    ["tick", "--now", STEERS],
    [STEERS],
    ["status", "--json"],
    ["jobs", "--json"],
    ["dead", "--json"],
  ];
  for (const words of commands) {
    const { stdout, stderr } = await afk(state.target, ...words);
    const [found] = STEERING.exec(stdout + stderr) ?? [];
    expect(found, `${words.join(" ")}: ${JSON.stringify(stdout + stderr)}`).toBeUndefined();
  }
});
