import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Config } from "../../src/config/config.ts";
import { type LiveConfig, openLiveConfig } from "../../src/config/live.ts";
import { loadCaps, loadConfig } from "../../src/config/load.ts";
import { cases, chaosSeed, patience, report } from "../support/chaos.ts";
import { BASE, folderForTest, KINDS } from "./support.ts";

interface Edited {
  file: string;
  live: LiveConfig;
  /** What was told, as `[daily cap before, now]`. */
  changes: [number, number][];
  write(daily: number, more?: object): void;
}

const USD = 1_000_000;
const NEVER = new AbortController().signal;

function edited(daily: number, environment: Record<string, string> = {}): Edited {
  const cwd = folderForTest();
  const file = join(cwd, "afk.yaml");
  const writeConfig: Edited["write"] = (daily_cap_usd, more = {}) =>
    write(file, JSON.stringify({ ...BASE, budget: { daily_cap_usd }, ...more }));
  writeConfig(daily);
  const place = { environment, configFile: file, cwd };
  const changes: Edited["changes"] = [];
  const capOf = ({ budget }: Config) => (budget.caps.day_micros ?? Number.NaN) / USD;
  const live = openLiveConfig({
    file,
    read: () => loadConfig({ ...place, jobKinds: KINDS }),
    readCaps: () => loadCaps(file, environment),
    onChange: (before, now) => changes.push([capOf(before), capOf(now)]),
  });
  return { file, live, changes, write: writeConfig };
}

// A file counts as still a second after its last change, by the wall clock.
beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"] }));
afterEach(() => void vi.useRealTimers());
const realMs = () => performance.timeOrigin + performance.now();
const settle = () => vi.setSystemTime(realMs() + 2_000);
/** Files get the time of the system, whatever clock the test has. */
const write = (file: string, content: string) => {
  vi.setSystemTime(realMs());
  writeFileSync(file, content);
};

describe("an edited file", () => {
  it.each([
    ["a cap twice", "budget: { daily_cap_usd: 1, hourly_cap_usd: 3, daily_cap_usd: 9 }"],
    ["a cap twice, the lower at last", "budget: { daily_cap_usd: 9, daily_cap_usd: 1 }"],
    ["its budget twice", "budget: { daily_cap_usd: 1 }\njobs: []\nbudget: { daily_cap_usd: 9 }"],
  ])("that is refused for %s has the lowest of what it states", (_, content) => {
    const { file, live } = edited(2);
    write(file, content);
    expect(live.caps()).toMatchObject({ caps: { day_micros: 1 * USD } });
  });

  it("lowers a cap at once, and raises one when it has stood still", () => {
    const { live, write, changes } = edited(2);
    write(1);
    expect(live.caps().caps.day_micros).toBe(1 * USD);
    write(3);
    expect(live.caps().caps.day_micros).toBe(2 * USD);
    settle();
    expect(live.caps().caps.day_micros).toBe(3 * USD);
    expect(changes).toEqual([
      [2, 1],
      [1, 2],
      [2, 3],
    ]);
  });

  it("that lacks a client lets it spend nothing at once, and not without its cap until the rest is taken over", async () => {
    const clients = (...names: string[]) => ({
      gateway: { clients: names.map((name) => ({ name, caps: { daily_usd: 5 } })) },
    });
    const { live, write } = edited(2);
    write(2, clients("laptop", "ci"));
    settle();
    await live.takeOver(NEVER);
    write(2, clients("ci"));
    const withNothing = { ci: { day_micros: 5 * USD }, laptop: { day_calls: 0 } };
    expect(live.caps().owners.client).toEqual(withNothing);
    settle();
    expect(live.caps().owners.client).toEqual(withNothing);
    expect(live.current().gateway.clients).toHaveLength(2);
    await live.takeOver(NEVER);
    expect(live.current()).toMatchObject({ gateway: { clients: [{ name: "ci" }] } });
    expect(live.caps().owners.client).toEqual({ ci: { day_micros: 5 * USD } });
  });

  it("is taken over as a whole, but for what belongs to the process", async () => {
    const { live, write } = edited(2, { TICK_SECONDS: "7", DAILY_CAP_USD: "4" });
    write(1, { timezone: "Europe/Berlin", jobs: [{ name: "a", kind: "plain", command: ["x"] }] });
    settle();
    expect(live.hasNews()).toBe(true);
    expect(live.current().timezone).toBe("UTC");
    expect(await live.takeOver(NEVER)).toBeNull();
    expect(live.hasNews()).toBe(false);
    expect(live.current()).toMatchObject({
      timezone: "Europe/Berlin",
      tickSeconds: 7,
      jobs: [{ name: "a" }],
    });
    // The host's cap wins over the file's, before and after.
    expect(live.caps().caps.day_micros).toBe(4 * USD);
  });

  it("that only looks different is no news", async () => {
    const { file, live, changes } = edited(2);
    writeFileSync(
      file,
      `# A comment.\n${JSON.stringify({ ...BASE, budget: { daily_cap_usd: 2 } }, null, 4)}`,
    );
    settle();
    expect(live.hasNews()).toBe(false);
    await live.takeOver(NEVER);
    expect(changes).toEqual([]);
  });

  it("that is refused is given once for each content, and once more after it was mended", async () => {
    const { live, write } = edited(2);
    const breakIt = () => {
      write(2, { nonsense: 1 });
      settle();
    };
    breakIt();
    expect((await live.takeOver(NEVER))?.error.issues.map(({ path }) => path)).toEqual(["nonsense"]);
    expect(await live.takeOver(NEVER)).toBeNull();
    breakIt();
    expect(await live.takeOver(NEVER)).toBeNull();
    write(2);
    settle();
    expect(await live.takeOver(NEVER)).toBeNull();
    breakIt();
    expect(await live.takeOver(NEVER)).not.toBeNull();
  });

  it("of another agent is refused while this one is at work", async () => {
    const { live, write } = edited(2);
    write(1, { agent: "another" });
    settle();
    expect((await live.takeOver(NEVER))?.error.message).toContain("agent: is another, and test is at work");
    expect(live.current()).toMatchObject({ agent: "test", budget: { caps: { day_micros: 1 * USD } } });
  });

  it("that became a folder is refused without being read, and the caps stay", async () => {
    const { file, live } = edited(2);
    rmSync(file);
    mkdirSync(file);
    settle();
    expect(live.caps().caps.day_micros).toBe(2 * USD);
    expect((await live.takeOver(NEVER))?.error.message).toContain("no regular file");
  });

  it("is told from its last version by content where size and times are the same", () => {
    const { live, write } = edited(2);
    write(3);
    settle();
    expect(live.caps().caps.day_micros).toBe(3 * USD);
    // Both within one step of the file system's clock, as far as that goes.
    for (const cap of [4, 1, 5, 1]) write(cap);
    expect(live.caps().caps.day_micros).toBe(1 * USD);
  });
});

type Edit = { what: "accepted" | "refused" | "unreadable" | "gone" | "half"; cap: number; rename: boolean };
type Step = { edit: Edit } | { act: "settle" | "look" };

const edits = fc.record({
  what: fc.constantFrom("accepted", "accepted", "refused", "unreadable", "gone", "half"),
  cap: fc.integer({ min: 0, max: 9 }),
  rename: fc.boolean(),
}) satisfies fc.Arbitrary<Edit>;
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    edits.map((edit): Step => ({ edit })),
    fc.constantFrom<Step>({ act: "settle" }, { act: "look" }),
  ),
  { minLength: 200, maxLength: 200 },
);

const seed = chaosSeed("edits of the configuration");
const runs = cases({ test: 3, chaos: 100 });
it(`holds the caps that a model says, over ${runs} times 200 steps of editing`, {
  timeout: patience({ test: 180_000, chaos: 600_000 }),
}, () => {
  let count = 0;
  fc.assert(
    fc.property(steps, (sequence) => {
      const { file, live } = edited(5);
      let accepted = 5;
      // What the file says: its daily cap as far as it can be read, and whether it would be accepted.
      let said = { cap: 5 as number | null, isAccepted: true };
      for (const step of sequence) {
        if ("edit" in step) {
          said = apply(file, step.edit);
        } else {
          if (step.act === "settle") settle();
          if (step.act === "settle" && said.isAccepted && said.cap !== null) accepted = said.cap;
          const holds = Math.min(accepted, said.cap ?? accepted);
          expect(live.caps().caps.day_micros).toBe(holds * USD);
        }
        count += 1;
      }
    }),
    { seed, numRuns: runs },
  );
  report("edits of the configuration", count);
});

function apply(file: string, { what, cap, rename }: Edit): { cap: number | null; isAccepted: boolean } {
  const text = JSON.stringify({ ...BASE, budget: { daily_cap_usd: cap } }, null, 1);
  const contents = {
    accepted: text,
    refused: text.replace("{", '{ "nonsense": 1,'),
    unreadable: text.replace(`"daily_cap_usd": ${cap}`, '"daily_cap_usd": "abc"'),
    half: text.slice(0, text.indexOf("budget")),
    gone: null,
  };
  const content = contents[what];
  rmSync(file, { force: true, recursive: true });
  vi.setSystemTime(realMs());
  if (content === null) return { cap: null, isAccepted: false };
  write(rename ? `${file}.next` : file, content);
  if (rename) renameSync(`${file}.next`, file);
  const isReadable = what === "accepted" || what === "refused";
  return { cap: isReadable ? cap : null, isAccepted: what === "accepted" };
}
