// @module-tag processes
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Config } from "../../../src/config/config.ts";
import { configHash } from "../../../src/config/hash.ts";
import { DEFAULT_RETRY } from "../../../src/config/jobs.ts";
import { announceDrift, driftCheck } from "../../../src/evidence/release/drift.ts";
import { differenceOf, factsOf } from "../../../src/evidence/release/facts.ts";
import { type Format, planRelease } from "../../../src/evidence/release/plan.ts";
import { recordRelease } from "../../../src/evidence/release/record.ts";
import { putBack, renderOnly } from "../../../src/evidence/release/release.ts";
import { releaseBy, writeReleases } from "../../../src/evidence/release/releases.ts";
import { load, withBase } from "../../config/support.ts";
import { hostWith } from "../../ops/doctor/harness.ts";
import { fakeClock } from "../../support/fake-clock.ts";
import { testRails } from "../../support/rails.ts";
import { tempDir } from "../../support/temp.ts";

describe("the difference of two configurations", () => {
  it.each<[string, Record<string, unknown>, Record<string, unknown>, string[]]>([
    ["a cap", { budget: { daily_cap_usd: 1 } }, { budget: { daily_cap_usd: 2 } }, ["daily cap 1.00 -> 2.00"]],
    [
      "a cap that was none",
      { budget: { daily_cap_usd: 1 } },
      { budget: { daily_cap_usd: 1, hourly_cap_usd: 0.25 } },
      ["hourly cap none -> 0.25"],
    ],
    [
      "models",
      { models: { chain: ["extractive"] } },
      { models: { chain: ["ollama/a:1b", "extractive"] } },
      ["model chain extractive -> ollama/a:1b, extractive"],
    ],
    [
      "egress hosts",
      { egress: { allow: ["a.example.org"] } },
      { egress: { allow: ["b.example.org"] } },
      ["egress host a.example.org removed", "egress host b.example.org added"],
    ],
    [
      "a time",
      { breaker: { cooldown: "5m" } },
      { breaker: { cooldown: "10m" } },
      ["breaker cooldown 5 min -> 10 min"],
    ],
  ])("says %s", (_what, before, now, expected) => {
    expect(differenceOf(factsOf(load(withBase(before))), factsOf(load(withBase(now))))).toEqual(expected);
  });

  it("says jobs that came, went, and changed", () => {
    const config = load(withBase({ jobs: [] }));
    const job = {
      name: "digest",
      kind: "digest",
      schedule: { type: "cron" as const, expression: "0 6 * * *" },
      timeoutMs: 60_000,
      retry: DEFAULT_RETRY,
      minutesSavedPerUnit: 2,
      deliver: [],
      progressMs: null,
      settings: { sources: [1] },
    };
    const facts = (...jobs: Config["jobs"]) => factsOf({ ...config, jobs });
    expect(differenceOf(facts(), facts(job))).toContain("job digest added: digest, 0 6 * * *");
    expect(differenceOf(facts(job), facts())).toContain("job digest removed");
    expect(
      differenceOf(facts(job), facts({ ...job, schedule: { type: "cron", expression: "0 7 * * *" } })),
    ).toEqual(["job digest: digest, 0 6 * * * -> digest, 0 7 * * *"]);
    expect(differenceOf(facts(job), facts({ ...job, settings: { sources: [2] } }))).toEqual([
      expect.stringMatching(/^job digest: settings \w{8} -> \w{8}$/),
    ]);
  });

  it("says channels by their kind, pings by a hash, and no address", () => {
    const config = load(withBase({}));
    const url = "https://hooks.slack.com/services/T0000/B0000/very-secret-token-of-mine";
    const alerts: Config["alerts"] = [
      { type: "slack", name: "slack", url, on: null, template: null, settings: null },
    ];
    const heartbeat = { ...config.heartbeat, pingUrl: "https://hc-ping.com/8d6e5c4b-secret" };
    const difference = differenceOf(factsOf(config), factsOf({ ...config, alerts, heartbeat })).join("\n");
    expect(difference).toContain("alert channel slack added");
    expect(difference).toMatch(/heartbeat ping none -> [0-9a-f]{8}/);
    expect(difference).not.toMatch(/secret|services|hc-ping|hooks/);
  });

  it("is something for every part of the configuration that makes another hash", () => {
    const config = load(withBase({}));
    const others: Config[] = [
      { ...config, tickSeconds: 7 },
      { ...config, timezone: "Europe/Berlin" },
      { ...config, retention: { ...config.retention, logDays: 3 } },
      { ...config, models: { ...config.models, prices: { "openai/x": { input: 1, output: 2 } } } },
      { ...config, value: { ...config.value, hourlyRateUsd: 1 } },
    ];
    for (const other of others) {
      expect(configHash(other)).not.toBe(configHash(config));
      expect(differenceOf(factsOf(config), factsOf(other))).not.toEqual([]);
    }
  });
});

describe("a release", () => {
  it("is recorded with its reason and difference, as a row and as a file", async () => {
    const h = await harness();
    expect(await h.record({ daily_cap_usd: 1 }, "the first")).toMatchObject({
      isNew: true,
      difference: ["the first release"],
      file: "release-2026-11-21.md",
    });
    expect(await h.record({ daily_cap_usd: 2 }, "more <b>")).toMatchObject({
      difference: ["daily cap 1.00 -> 2.00"],
      file: "release-2026-11-21-2.md",
    });
    expect(h.file("release-2026-11-21-2.md")).toMatch(/more &lt;b&gt;[\s\S]*- daily cap 1.00 -> 2.00/);
    expect(h.rails.logged.filter(({ event }) => event === "release_made")).toHaveLength(2);
  });

  it("that changes nothing and gives no reason is the one before", async () => {
    const h = await harness();
    const first = await h.record({ daily_cap_usd: 1 });
    expect(await h.record({ daily_cap_usd: 1 })).toMatchObject({
      id: first.id,
      isNew: false,
      reason: "none was given",
    });
    expect(await h.record({ daily_cap_usd: 1 }, "said again")).toMatchObject({
      isNew: true,
      difference: ["nothing that the agent does"],
    });
  });

  it("gets its file at the next tick when the machine died between row and file", async () => {
    const h = await harness();
    const { file } = await h.record({ daily_cap_usd: 1 });
    const text = h.file(file!);
    rmSync(join(h.runs, file!));
    await writeReleases({ config: h.configOf({ daily_cap_usd: 1 }), db: h.rails.store.db });
    expect(h.file(file!)).toBe(text);
  });

  it("is found by the beginning of its hash, and refused where that is short, none's or more than one's", async () => {
    const h = await harness();
    const { configHash: hash } = await h.record({ daily_cap_usd: 1 });
    const { db } = h.rails.store;
    expect(await releaseBy(db, hash.slice(0, 8))).toMatchObject({ config_hash: hash });
    for (const bad of ["", hash.slice(0, 5), "zzzzzz", "%%%%%%", "000000"])
      await expect(releaseBy(db, bad)).rejects.toMatchObject({ code: "unknown_release" });
    const row = await releaseBy(db, hash);
    await db
      .insertInto("releases")
      .values({ ...row, id: "other", config_hash: `${hash.slice(0, 63)}${hash.endsWith("0") ? "1" : "0"}` })
      .execute();
    await expect(releaseBy(db, hash.slice(0, 10))).rejects.toThrow("fits 2 configurations");
  });
});

describe("putting a configuration back", () => {
  it("keeps the present one beside it", () => {
    const { file, dir } = present("now");
    const kept = putBack(file, "then", { check: () => undefined, clock: fakeClock() });
    expect([readFileSync(file, "utf8"), readFileSync(kept, "utf8")]).toEqual(["then", "now"]);
    expect(readdirSync(dir)).toHaveLength(2);
  });

  it("is refused, and changes nothing, when the text is no configuration any more", () => {
    const { file, dir } = present("now");
    const check = (path: string) => {
      expect(readFileSync(path, "utf8")).toBe("then");
      throw new Error("refused");
    };
    expect(() => putBack(file, "then", { check, clock: fakeClock() })).toThrow("refused");
    expect(readdirSync(dir)).toEqual(["afk.yaml"]);
    expect(readFileSync(file, "utf8")).toBe("now");
  });
});

describe("drift", () => {
  it("is nothing before the first release", async () => {
    const h = await harness();
    expect(await h.drift({ daily_cap_usd: 1 })).toMatchObject([
      { result: "ok", found: expect.stringContaining("nothing was released yet") },
    ]);
    expect(await h.tell({ daily_cap_usd: 1 })).toEqual([]);
  });

  it("is a configuration in use that no release had, told once", async () => {
    const h = await harness();
    await h.record({ daily_cap_usd: 1 });
    expect((await h.drift({ daily_cap_usd: 1 }))[0]).toMatchObject({ result: "ok" });
    expect((await h.drift({ daily_cap_usd: 5 }))[0]).toMatchObject({
      result: "warn",
      found: expect.stringContaining("was never released"),
    });
    expect(await h.tell({ daily_cap_usd: 1 })).toEqual([]);
    await h.tell({ daily_cap_usd: 5 });
    expect(await h.tell({ daily_cap_usd: 5 })).toHaveLength(1);
    expect(await h.tell({ daily_cap_usd: 6 })).toHaveLength(2);
  });

  it("is a rendered file on the host that is not as it was released", async () => {
    const h = await harness();
    await h.record({ daily_cap_usd: 1 });
    const dropIn = join(h.rails.dir, "schedule.conf");
    writeFileSync(dropIn, h.rendered({ daily_cap_usd: 1 }).content);
    expect(await h.drift({ daily_cap_usd: 1 }, { dropIn })).toMatchObject([
      { result: "ok", found: expect.stringContaining("1 rendered file on") },
    ]);
    writeFileSync(dropIn, "OnCalendar=never\n");
    expect(await h.drift({ daily_cap_usd: 1 }, { dropIn })).toMatchObject([
      { result: "warn", found: expect.stringContaining(dropIn) },
    ]);
    expect(await h.drift({ daily_cap_usd: 1 }, { dropIn, isContainer: true })).toMatchObject([
      { result: "ok" },
    ]);
  });

  it("is not claimed of a rendered file that is not here, or cannot be read", async () => {
    const h = await harness();
    await h.record({ daily_cap_usd: 1 });
    expect(await h.drift({ daily_cap_usd: 1 })).toMatchObject([
      { result: "ok", found: expect.stringContaining("0 rendered files") },
      { result: "skipped", found: "cannot be compared: there is no /no/such/file" },
    ]);
    // A folder cannot be read as a file, whoever looks.
    expect(await h.drift({ daily_cap_usd: 1 }, { dropIn: h.rails.dir })).toMatchObject([
      { result: "ok" },
      { result: "skipped", found: expect.stringMatching(/^cannot be compared: .*EISDIR/) },
    ]);
  });

  it("is a launch agent that is not as it was released", async () => {
    const h = await harness();
    await h.record({ daily_cap_usd: 1 }, null, "launchd");
    const folder = join(h.rails.dir, "Library/LaunchAgents");
    mkdirSync(folder, { recursive: true });
    const { name, content, beside } = h.rendered({ daily_cap_usd: 1 }, "launchd");
    for (const file of [{ name, content }, ...beside]) writeFileSync(join(folder, file.name), file.content);
    expect(await h.drift({ daily_cap_usd: 1 })).toMatchObject([
      { result: "ok", found: expect.stringContaining("3 rendered files on") },
    ]);
    writeFileSync(join(folder, name), content.replace("RunAtLoad", "KeepAlive"));
    expect(await h.drift({ daily_cap_usd: 1 })).toMatchObject([
      { result: "warn", found: expect.stringContaining(`${name} is not as the release`) },
    ]);
  });
});

describe("drift of a crontab", () => {
  const THEIRS = "MAILTO=ops@example.org\n# a backup\n15 3 * * * /usr/local/bin/copy\n";

  it("is none where the lines are as they were released, among lines of others", async () => {
    const h = await cronHarness();
    h.crontab(THEIRS + h.lines + THEIRS);
    expect(await h.drift()).toMatchObject([
      { result: "ok", found: expect.stringContaining("1 rendered file on") },
    ]);
  });

  it.each<[string, (lines: string) => string, RegExp]>([
    [
      "edited",
      (lines) => lines.replace("*/5", "*/1"),
      /a run of afk tick in this user's crontab is not as the release/,
    ],
    ["twice", (lines) => lines + lines, /is in this user's crontab 2 times/],
    ["without its title", (lines) => lines.replace(/^# afk: .*\n/, ""), /is not as the release/],
    [
      "beside one of one's own",
      (lines) => `${lines}@hourly ${lines.split(" * * * * ")[1]}`,
      /is not as the release/,
    ],
  ])("is found where the lines are there %s", async (_, edit, found) => {
    const h = await cronHarness();
    h.crontab(THEIRS + edit(h.lines));
    expect((await h.drift()).find(({ result }) => result === "warn")?.found).toMatch(found);
  });

  it("is lines that no release rendered", async () => {
    const h = await cronHarness("systemd");
    h.crontab(h.lines);
    expect((await h.drift())[0]).toMatchObject({
      result: "warn",
      found: "no release rendered a run of afk tick in this user's crontab",
    });
  });

  it.each([
    [
      "this user has none",
      "echo 'no crontab for somebody' >&2; exit 1",
      /nothing of afk-test\.crontab is in/,
    ],
    ["the lines are not in it", "echo '# of others'", /nothing of afk-test\.crontab is in/],
    [
      "it may not be read",
      "echo 'you are not allowed to use this program' >&2; exit 1",
      /you are not allowed/,
    ],
    ["it never answers", "exec sleep 60", /crontab: /],
  ])("is unknown where %s", async (_, script, found) => {
    const h = await cronHarness();
    h.program(script);
    const findings = await h.drift();
    expect(findings).toMatchObject([{ result: "ok" }, { result: "skipped" }]);
    expect(findings[1]?.found).toMatch(found);
  });

  it("is unknown where there is no such program", async () => {
    const h = await cronHarness();
    expect((await h.drift("/no/such/program"))[1]?.found).toContain("there is no program crontab here");
  });

  it("what a release says to type puts the new lines in the place of the old ones", async () => {
    const h = await cronHarness();
    const file = join(tempDir(), "rendered");
    writeFileSync(file, h.lines);
    h.crontab(THEIRS + h.lines.replace("*/5", "*/1"));
    for (let time = 0; time < 2; time++) h.type(h.rendered.install(file));
    expect(h.shown()).toBe(THEIRS + h.lines);
    h.type(h.rendered.uninstall);
    expect(h.shown()).toBe(THEIRS);
  });

  it("what a release says to type leaves every line of others, also when the command was taken out by hand", async () => {
    const h = await cronHarness();
    const file = join(tempDir(), "rendered");
    writeFileSync(file, h.lines);
    const [title = "", ...rest] = h.lines.split("\n");
    const comments = [title, ...rest.filter((line) => line.startsWith("#"))].join("\n");
    h.crontab(`${comments}\n15 3 * * * /usr/local/bin/copy\n`);
    h.type(h.rendered.install(file));
    expect(h.shown()).toBe(`15 3 * * * /usr/local/bin/copy\n${h.lines}`);
  });
});

/** A user with a crontab, and a first release, in a format. */
async function cronHarness(format: Format = "cron") {
  const h = await harness();
  const budget = { daily_cap_usd: 1 };
  await h.record(budget, null, format);
  const file = join(tempDir(), "crontab.txt");
  const bin = tempDir();
  const path = join(bin, "crontab");
  const program = (script: string) => {
    writeFileSync(path, `#!/bin/sh\n${script}\n`);
    chmodSync(path, 0o755);
  };
  program(`if [ "$1" = -l ]; then cat '${file}'; else cat >'${file}.new'; mv '${file}.new' '${file}'; fi`);
  const rendered = h.rendered(budget, "cron");
  return {
    program,
    rendered,
    lines: rendered.content,
    crontab: (text: string) => writeFileSync(file, text),
    shown: () => readFileSync(file, "utf8"),
    type(lines: readonly string[]) {
      for (const line of lines)
        execFileSync("sh", ["-ec", line], { env: { PATH: `${bin}:${process.env.PATH}` } });
    },
    drift: async (crontab = path) => {
      const findings = await h.drift(budget, { crontab });
      // The drop-in of systemd is another test's.
      return findings.filter(({ found }) => !found.includes("/no/such/file"));
    },
  };
}

function present(text: string) {
  const dir = tempDir();
  const file = join(dir, "afk.yaml");
  writeFileSync(file, text);
  return { dir, file };
}

async function harness() {
  const alerts: string[] = [];
  const rails = await testRails({ onAlert: ({ key }) => void alerts.push(key) });
  const configs = new Map<string, Config>();
  // The same file each time, whose path is in what is rendered.
  const configOf = (budget: Record<string, unknown>) => {
    const key = JSON.stringify(budget);
    const config = configs.get(key) ?? load(withBase({ budget }), { state: rails.dir });
    configs.set(key, config);
    return config;
  };
  const rendered = (budget: Record<string, unknown>, format: Format = "systemd") =>
    renderOnly(planRelease(configOf(budget), ["/usr/local/bin/afk"], {}), format);
  const { runs } = configOf({ daily_cap_usd: 1 }).paths;
  return {
    rails,
    runs,
    configOf,
    rendered,
    file: (name: string) => readFileSync(join(runs, name), "utf8"),
    async record(budget: Record<string, unknown>, reason: string | null = null, format: Format = "systemd") {
      rails.clock.advance(1_000);
      const config = configOf(budget);
      const { store, outbox, clock, log } = rails;
      const sources = { config, version: "1.2.3", store, outbox, clock, log };
      const text = JSON.stringify(budget);
      return await recordRelease(sources, {
        rendered: rendered(budget, format),
        configHash: configHash(config),
        configText: text,
        reason,
      });
    },
    drift: async (budget: Record<string, unknown>, host: Parameters<typeof hostWith>[0] = {}) => {
      const found = await driftCheck({
        host: hostWith({
          dropIn: "/no/such/file",
          crontab: "/no/such/file",
          environment: { HOME: rails.dir },
          ...host,
        }),
        clock: rails.clock,
        config: configOf(budget),
        store: rails.store,
      });
      return [found].flat();
    },
    async tell(budget: Record<string, unknown>) {
      await rails.store.atomically((trx) => announceDrift(trx, rails.outbox.announce, configOf(budget)));
      return alerts;
    },
  };
}
