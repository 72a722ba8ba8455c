import { expect, it } from "vitest";
import type { Behaviour } from "../../src/faults/model-answers.ts";
import { afk } from "../cli/commands/in-process.ts";
import { asked, deployment, digestConfig, fillInbox, ollama, PROCESSES } from "../support/afk.ts";

const ITEMS = 20;
const ANSWERED = 7;
/** USD per million tokens, so that the call that nobody knows the end of has a price. */
const PRICES = { "ollama/test-model": { input: 1, output: 2 } };

it(
  "finishes a digest after kill -9 in the middle, asks for nothing twice that was answered, and charges the lost call",
  PROCESSES,
  async () => {
    const answers = Array.from({ length: ANSWERED }, (): Behaviour => ({ type: "reply" }));
    const server = await ollama([...answers, { type: "stall", pieces: 2 }]);
    const target = deployment(digestConfig(server.url, { models: { prices: PRICES } }));
    fillInbox(target, ITEMS);

    const killed = target.start(["tick"]);
    const lost = await server.request(ANSWERED + 1);
    killed.kill("SIGKILL");
    expect(await killed.ended).toMatchObject({ code: null, signal: "SIGKILL" });
    expect(target.outputs()).toEqual({});

    const next = await target.afk(["tick", "--json"]);
    expect(next.code).toBe(0);
    expect(JSON.parse(next.stdout)).toMatchObject({ outcome: "ok", units: ITEMS });

    // Every item is there, once.
    const files = Object.keys(target.outputs());
    expect(files.filter((name) => name.endsWith(".md"))).toHaveLength(1);
    const markdown = Object.entries(target.outputs()).find(([name]) => name.endsWith(".md"))?.[1] ?? "";
    const titles = [...markdown.matchAll(/^## Title of (\S+)$/gm)].map(([, title]) => title);
    expect(titles).toHaveLength(ITEMS);
    expect(new Set(titles).size).toBe(ITEMS);

    // The model saw each request once, but for the one that was lost on the way.
    const bodies = server.requests.map(({ body }) => body);
    expect(bodies).toHaveLength(ITEMS + 1 + 1);
    expect(bodies.filter((body, index) => bodies.indexOf(body) !== index)).toEqual([lost.body]);
    expect(asked(server).filter((title) => title === "lead")).toHaveLength(1);

    // The lost call is unknown, and stays charged at its worst case next to what the others cost.
    expect(target.query("select state, count(*) as n from ledger group by state order by state")).toEqual([
      { state: "settled", n: ITEMS + 1 },
      { state: "unknown", n: 1 },
    ]);
    const [unknown] = target.query<{ id: string; estimate_micros: number }>(
      "select id, estimate_micros from ledger where state = 'unknown'",
    );
    expect(unknown?.estimate_micros).toBeGreaterThan(0);
    expect(
      target.query("select reserved_micros from budget_windows where window = 'day' and scope = 'agent'"),
    ).toEqual([{ reserved_micros: unknown?.estimate_micros }]);
    expect(target.query("select event from alerts")).toEqual([{ event: "call_unknown" }]);
    expect(target.query("select outcome from ticks order by id")).toEqual([
      { outcome: "crashed" },
      { outcome: "ok" },
    ]);

    // What a person says replaces the worst case.
    const id = unknown?.id ?? "";
    expect(await afk(target, "ledger", "reconcile", id, "--usd", "0.0001")).toMatchObject({ code: 0 });
    expect(target.query("select state, cost_micros from ledger where id = ?", id)).toEqual([
      { state: "settled", cost_micros: 100 },
    ]);
    expect(
      target.query("select reserved_micros from budget_windows where window = 'day' and scope = 'agent'"),
    ).toEqual([{ reserved_micros: 0 }]);
    expect(await afk(target, "ledger", "reconcile", id, "--usd", "0")).toMatchObject({ code: 2 });
  },
);
