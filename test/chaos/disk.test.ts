import { chmodSync, cpSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it, onTestFinished } from "vitest";
import { startModelEndpoint } from "../../src/faults/model-endpoint.ts";
import { deployment, fillInbox } from "../support/afk.ts";
import { cases, chaosSeed, patience, report } from "../support/chaos.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { runNode } from "../support/run-node.ts";
import { seededRandomness } from "../support/seeded.ts";
import { missingTool } from "../support/system-tools.ts";
import { tempDir } from "../support/temp.ts";
import { askedAgain, chargedMicros, hasTable, PRICE, pricedDigest } from "./support/books.ts";
import { BREAKABLE, tickWithFault } from "./support/broken-calls.ts";
import { databaseOf, flip, putState, railsOffsets } from "./support/flip.ts";
import { cannotMount, fill, makeRoom, mountOn, remount } from "./support/full-disk.ts";
import { workInMemory } from "./support/in-memory.ts";
import { serveModel } from "./support/serve.ts";
import { tickOnce } from "./support/tick-end.ts";

const limit = { timeout: patience({ test: 180_000, chaos: 3_600_000 }) };
const ITEMS = 6;
/** A cut within the last page may take nothing but room that is not used. */
const PAGE_BYTES = 4_096;

workInMemory();

it("keeps its books on a full disk, and finishes the digest once there is room", limit, async ({ skip }) => {
  const reason = cannotMount();
  if (reason !== null) skip(reason);
  const { random } = seededRandomness(chaosSeed("disk full"));
  const target = deployment();
  fillInbox(target, ITEMS);
  mountOn(target.state);
  const count = cases({ test: 50, chaos: 1_000 });
  const ends: Record<string, number> = {};
  const wrong: string[] = [];
  for (let n = 0; n < count; n++) {
    const isBefore = n % 2 === 0;
    const isFirst = n % 4 < 2;
    const leftBytes = Math.floor(isBefore ? random() ** 3 * 10 * 2 ** 20 : random() ** 2 * 192 * 1024);
    const fillAt = isBefore ? 0 : 1 + Math.floor(random() * (ITEMS + 1));
    const name = `case ${n}: ${leftBytes} bytes left ${isBefore ? "before the tick" : `at request ${fillAt}`}${isFirst ? "" : ", on a second day"}`;
    await fullDisk(name, { leftBytes, fillAt, isFirst });
  }

  async function fullDisk(name: string, how: { leftBytes: number; fillAt: number; isFirst: boolean }) {
    for (const each of readdirSync(target.state)) rmSync(join(target.state, each), { recursive: true });
    const clock = fakeClock();
    const requestsBefore = { count: 0 };
    const server = await startModelEndpoint("ollama", {
      onRequest: () => {
        if (how.fillAt > 0 && server.requests.length - requestsBefore.count === how.fillAt)
          fill(target.state, how.leftBytes);
      },
    });
    try {
      target.configure(pricedDigest(server.url));
      if (!how.isFirst) {
        // The state of a deployment that has worked before, with its ballast.
        requestsBefore.count = Number.POSITIVE_INFINITY;
        target.configure({ ...pricedDigest(server.url), jobs: [] });
        await tickOnce(target, clock);
        target.configure(pricedDigest(server.url));
        requestsBefore.count = server.requests.length;
      }
      if (how.fillAt === 0) fill(target.state, how.leftBytes);
      const full = await tickOnce(target, clock);
      const note = (what: string) => wrong.push(`${name}: ${what} (${JSON.stringify(full)})`);
      if (!full.isExplained || (full.code === 1 && full.message === "")) note("a crash without a message");
      if (![0, 1].includes(full.code)) note("an exit code that says something else");

      // SQLite needs room to be looked into, too.
      makeRoom(target.state);
      if (server.billMicros(PRICE) > chargedMicros(target)) note("the bill is higher than the ledger");
      const isLow = full.outcome === "halted";
      if (!how.isFirst && how.fillAt === 0 && how.leftBytes < 8 * 2 ** 20) {
        const told = target.query("select event from alerts where event = 'disk_low'").length;
        if (told !== 1) note("nobody was told that the disk is full");
        if (!isLow) note("it went on with a disk that is nearly full");
      }
      const before = hasTable(target, "ledger")
        ? target.query<{ id: string }>("select id from ledger").map(({ id }) => id)
        : [];

      clock.advance(60_000);
      const next = await tickOnce(target, clock);
      if (next.code !== 0 || !["ok", "idle"].includes(next.outcome))
        note(`the next tick: ${JSON.stringify(next)}`);
      const digests = Object.entries(target.outputs()).filter(([file]) => file.endsWith(".md"));
      const titles = digests.flatMap(([, text]) =>
        [...text.matchAll(/^## Title of (\S+)$/gm)].map(([, title]) => title),
      );
      if (digests.length !== 1 || titles.length !== ITEMS || new Set(titles).size !== ITEMS)
        note(`${digests.length} digests with ${titles.length} items`);
      const after = target.query<{ id: string; state: string }>("select id, state from ledger");
      const ids = new Set(after.map(({ id }) => id));
      if (before.some((id) => !ids.has(id))) note("an entry of the ledger is gone");
      if (after.some(({ state }) => state === "reserved" || state === "sending"))
        note("an entry is left open");
      const unknown = after.filter(({ state }) => state === "unknown").length;
      // Without a ballast there can be room for what a call cost and none for what it said: then the answer is lost.
      const [lost] = target.query<{ n: number }>(
        "select count(*) as n from ledger where state = 'settled' and not exists (select 1 from steps join jobs on jobs.id = job_id where key = job and steps.name = step and steps.created_at <= finished_at)",
      );
      const unkept = unknown + (how.isFirst ? (lost?.n ?? 0) : 0);
      if (askedAgain(server) > unkept)
        note(`${askedAgain(server)} requests bought twice, ${unkept} answers not kept`);
      if (server.billMicros(PRICE) > chargedMicros(target))
        note("the bill is higher than the ledger in the end");
      const key = `${full.outcome}${unknown > 0 ? " with an unknown call" : ""}`;
      ends[key] = (ends[key] ?? 0) + 1;
      return key;
    } finally {
      await server.close();
    }
  }
  expect(wrong.slice(0, 10)).toEqual([]);
  report("disk full", count, JSON.stringify(ends));
});

/** States of an agent before it bought anything, of one that ended well, and of one that was killed in the middle of a tick, with its log beside it. */
async function preparedStates() {
  const clock = fakeClock();
  const target = deployment();
  const killed = join(target.dir, "killed");
  const older = join(target.dir, "older");
  target.configure({ ...pricedDigest("http://127.0.0.1:1"), jobs: [] });
  await tickOnce(target, clock);
  putState(target.state, older);
  const server = await startModelEndpoint("ollama", {
    onRequest: () => {
      if (server.requests.length === 9) putState(target.state, killed);
    },
  });
  onTestFinished(() => server.close());
  fillInbox(target, 12);
  target.configure(pricedDigest(server.url));
  expect(await tickOnce(target, clock)).toMatchObject({ code: 0, outcome: "ok" });
  const clean = join(target.dir, "clean");
  putState(target.state, clean);
  const bill = { clean: server.billMicros(PRICE), killed: 0 };
  const each = Math.ceil(bill.clean / server.requests.length);
  bill.killed = 9 * each;
  rmSync(join(target.dir, "inbox"), { recursive: true });
  return {
    target,
    clock,
    states: { older, clean, killed },
    bill,
    estimate: target.query<{ most: number }>("select max(estimate_micros) as most from ledger")[0]!.most,
  };
}

it("spends nothing above the cap when a bit of its database or its log has flipped", limit, async () => {
  const { random } = seededRandomness(chaosSeed("flipped bits"));
  const { target, clock, states, bill, estimate } = await preparedStates();
  fillInbox(target, 30, "more");
  const offsets = railsOffsets(databaseOf(states.clean));
  const count = cases({ test: 100, chaos: 1_000 });
  const ends: Record<string, number> = {};
  const wrong: string[] = [];
  for (let n = -2; n < count; n++) {
    // The first two are controls: without a flip the cap is reached, and not before something was bought.
    const kind = n % 3 === 0 || n === -1 ? "killed" : "clean";
    putState(states[kind], target.state);
    const capMicros = bill[kind] + 2 * estimate;
    let name = `${kind}, no flip`;
    if (n >= 0) {
      const file = kind === "killed" ? "afk.db-wal" : "afk.db";
      const path = join(target.state, file);
      const offset =
        file === "afk.db" && n % 3 === 1
          ? offsets[Math.floor(random() * offsets.length)]!
          : Math.floor(random() * statSync(path).size);
      const bit = Math.floor(random() * 8);
      flip(path, offset, bit);
      name = `case ${n}: bit ${bit} of byte ${offset} of ${file} (${kind})`;
    }
    const server = await startModelEndpoint("ollama");
    try {
      target.configure(pricedDigest(server.url, capMicros / 1e6));
      const own = fakeClock(clock.nowMs() + 60_000);
      const end = await tickOnce(target, own, "digest");
      const billed = server.billMicros(PRICE);
      if (!end.isExplained || (end.code !== 0 && end.message === ""))
        wrong.push(`${name}: a raw error: ${end.message}`);
      if (bill[kind] + billed > capMicros)
        wrong.push(
          `${name}: bill ${bill[kind] + billed} over the cap of ${capMicros} (${JSON.stringify(end)})`,
        );
      if (n < 0)
        expect({ ...end, isBought: billed > 0 }).toMatchObject({ outcome: "halted", isBought: true });
      const key =
        end.outcome === "thrown" ? "refused" : /kill switch/.test(end.message) ? "stopped" : end.outcome;
      ends[key] = (ends[key] ?? 0) + 1;
    } finally {
      await server.close();
    }
  }
  expect(wrong.slice(0, 20)).toEqual([]);
  report("flipped bits", count, JSON.stringify(ends));
});

it(
  "ends with exit code 1 at the first I/O error, writes nothing more, and is right the next time",
  limit,
  async ({ skip }) => {
    const reason = missingTool("strace");
    if (reason !== null) skip(reason);
    const { random } = seededRandomness(chaosSeed("I/O errors"));
    const count = cases({ test: 6, chaos: 300 });
    const ends: Record<string, number> = {};
    const wrong: string[] = [];
    const url = await serveModel(join(tempDir(), "requests"));
    for (let n = 0; n < count; n++) {
      const target = deployment(pricedDigest(url));
      fillInbox(target, 3);
      const call = (["fsync", "pwrite64", "pread64"] as const)[n % 3] ?? "fsync";
      const when = 1 + Math.floor(random() * BREAKABLE[call]);
      const { stdout, stderr, ...end } = tickWithFault(target, call, when);
      const note = (what: string) =>
        wrong.push(
          `case ${n}, ${call} ${when}: ${what} ${JSON.stringify(end)} ${stderr.slice(0, 300)} ${stdout.slice(-300)}`,
        );
      const kind =
        end.failed === null ? "not reached" : end.isCheckpoint ? "in a checkpoint" : `exit ${end.code}`;
      ends[kind] = (ends[kind] ?? 0) + 1;
      if (kind === "exit 0" && call !== "pread64") note("nobody was told");
      if (end.code !== 0 && !/afk\.db|I\/O error/.test(stderr + stdout)) note("no word of the disk");
      if (stderr.includes("    at ")) note("a stack");
      if (end.code === 1 && end.wroteAfter > 0) note("it went on writing");
      const next = await target.afk(["tick", "--json"]);
      if (next.code !== 0) note(`the next tick: ${next.stdout}${next.stderr}`);
      if (target.query("pragma integrity_check").length !== 1) note("damaged");
      if (Object.keys(target.outputs()).filter((name) => name.endsWith(".md")).length !== 1)
        note("no digest");
      rmSync(target.dir, { recursive: true });
    }
    expect(wrong.slice(0, 5)).toEqual([]);
    report("I/O errors", count, JSON.stringify(ends));
  },
);

it(
  "ends with exit code 1 when it is the last commit that fails, after all of the work",
  limit,
  async ({ skip }) => {
    const reason = missingTool("strace");
    if (reason !== null) skip(reason);
    const url = await serveModel(join(tempDir(), "requests"));
    const tick = (failing: number) => {
      const target = deployment(pricedDigest(url));
      fillInbox(target, 1);
      return tickWithFault(target, "fsync", failing);
    };
    const whole = tick(10_000);
    expect(whole).toMatchObject({ code: 0, failed: null });
    const broken = tick(whole.commits.at(-1) ?? 0);
    expect(broken.stdout).toContain('"tick_finished"');
    expect(broken).toMatchObject({
      code: 1,
      isCheckpoint: false,
      stderr: expect.stringMatching(/SQLITE_IOERR.*check the disk/),
    });
  },
);

it(
  "refuses a file system that is mounted read-only, in words, and a state that is somebody else's",
  limit,
  async ({ skip }) => {
    const reason = cannotMount();
    if (reason !== null) skip(reason);
    const target = deployment({
      ...pricedDigest("http://127.0.0.1:1"),
      jobs: [],
      models: { chain: ["extractive"] },
    });
    mountOn(target.state);
    expect((await tickOnce(target, fakeClock())).code).toBe(0);
    const before = readdirSync(target.state);
    remount(target.state, "ro");
    const refused = await target.afk(["tick"]);
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining("cannot write") });
    expect(refused.stderr).not.toContain("    at ");
    expect(readdirSync(target.state)).toEqual(before);
    remount(target.state, "rw");

    chmodSync(target.dir, 0o755);
    chmodSync(target.configFile, 0o644);
    const script = fileURLToPath(new URL("support/tick-as-nobody.ts", import.meta.url));
    const stranger = await runNode(script, [target.configFile, target.state, join(target.dir, "scratch")]);
    expect(stranger).toMatchObject({ code: 1, stderr: expect.stringContaining("cannot write") });
    expect(stranger.stderr).not.toContain("    at ");
    expect(readdirSync(target.state)).toEqual(before);
    report("read-only and wrong owner", 2);
  },
);

it(
  "refuses what is no database, and stops for one that is not the newest until a person resumes",
  limit,
  async () => {
    const { random } = seededRandomness(chaosSeed("replaced databases"));
    const { target, states, clock } = await preparedStates();
    const path = databaseOf(target.state);
    const whole = readFileSync(databaseOf(states.clean));
    const attacks: Record<string, () => void> = {
      garbage: () => writeFileSync(path, Buffer.from(seededRandomness(3).bytes(20_000))),
      "garbage behind a header": () =>
        writeFileSync(
          path,
          Buffer.concat([whole.subarray(0, 100), Buffer.from(seededRandomness(4).bytes(50_000))]),
        ),
      "an empty file": () => writeFileSync(path, ""),
      "no file": () => rmSync(path),
      "an older copy": () => cpSync(databaseOf(states.older), path),
      "an older copy with its log": () => {
        cpSync(databaseOf(states.killed), path);
        cpSync(`${databaseOf(states.killed)}-wal`, `${path}-wal`);
      },
    };
    for (let n = 1; n <= 10; n++)
      attacks[`cut off, ${n}`] = () =>
        writeFileSync(path, whole.subarray(0, 1 + Math.floor(random() * (whole.length - PAGE_BYTES))));

    for (const [name, attack] of Object.entries(attacks)) {
      const server = await startModelEndpoint("ollama");
      try {
        fillInbox(target, 3, "late");
        target.configure(pricedDigest(server.url));
        putState(states.clean, target.state);
        attack();
        const own = fakeClock(clock.nowMs() + 60_000);
        const ends = [await tickOnce(target, own, "digest"), await tickOnce(target, own)];
        for (const end of ends) {
          expect.soft(end, name).toMatchObject({ isExplained: true });
          expect.soft(["thrown", "halted", "failed"], name).toContain(end.outcome);
        }
        expect.soft(server.requests.length, name).toBe(0);
        if (ends[0]?.outcome !== "halted") {
          expect.soft(ends[0]?.message, name).toMatch(/not a database|damaged/);
          continue;
        }
        expect
          .soft(target.query("select 1 from alerts where event = 'state_rolled_back'").length, name)
          .toBe(1);
        expect.soft(await target.afk(["resume"]), name).toMatchObject({ code: 0 });
        expect.soft(await tickOnce(target, own, "digest"), name).toMatchObject({ code: 0, outcome: "ok" });
        expect.soft(server.requests.length, name).toBeGreaterThan(0);
      } finally {
        await server.close();
      }
    }
    report("replaced databases", Object.keys(attacks).length);
  },
);
