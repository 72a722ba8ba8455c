import { expect, it } from "vitest";
import type { Randomness } from "../../src/lib/ids.ts";
import { countersAgree } from "../../src/ops/counters.ts";
import { peekPeriods } from "../../src/rails/periods.ts";
import { afkJson } from "../cli/commands/in-process.ts";
import { deployment, digestConfig, fillInbox, ollama, PROCESSES } from "../support/afk.ts";
import { cases, chaosSeed, patience, report } from "../support/chaos.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { ended, entries, settledAt, testRails, tryReserve } from "../support/rails.ts";
import { type RailsOn, railsOn } from "../support/rails-on.ts";
import { seededRandomness } from "../support/seeded.ts";
import { testStore } from "../support/store.ts";
import { ZONES } from "./support/clock-script.ts";
import { workInMemory } from "./support/in-memory.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** From the zone that is the last to begin a day to the one that is the first. */
const ZONES_APART = 26 * HOUR;
const ALL_ZONES = [...ZONES, "Etc/GMT+12", "Pacific/Pago_Pago", "Asia/Tokyo"];
const CAPS = { day: 1_000, month: 2_500 };
const WINDOWS = ["day", "month"] as const;

workInMemory();

/** A calendar window as the promise has it: one name, from its opening to its end in the zone in which it opened. */
interface Opening {
  name: string;
  fromMs: number;
  endsAt: number;
  micros: number;
}

type Model = Record<(typeof WINDOWS)[number], Opening[]>;

it(
  "opens a day or a month only at the end of the one that is open, whatever becomes of the time zone, for how many processes",
  async () => {
    const scripts = cases({ test: 20, chaos: 4_000 });
    const randomness = seededRandomness(chaosSeed("the time zone is edited"));
    const met = { bought: 0, refused: 0, edits: 0, openings: 0, namesAgain: 0 };
    for (let script = 0; script < scripts; script++) {
      const said: string[] = [];
      try {
        await runScript(randomness, said, met);
      } catch (error) {
        throw new Error(`script ${script}: ${said.join("; ")}`, { cause: error });
      }
    }
    for (const count of Object.values(met)) expect(count).toBeGreaterThan(0);
    report(
      "the time zone is edited",
      scripts,
      `${met.edits} edits, ${met.openings} openings, ${met.namesAgain} under an earlier name, ${met.bought} calls bought, ${met.refused} refused`,
    );
  },
  patience({ test: 240_000, chaos: 3 * HOUR }),
);

async function runScript(
  { random }: Randomness,
  said: string[],
  met: { bought: number; refused: number; edits: number; openings: number; namesAgain: number },
): Promise<void> {
  const upTo = (count: number) => Math.floor(random() * count);
  const anyZone = () => ALL_ZONES[upTo(ALL_ZONES.length)]!;
  const clock = fakeClock(Date.parse("2026-01-01T00:00:00Z") + upTo(365 * DAY));
  const first = await testRails({ clock });
  const { path } = first;
  const budget = { day_micros: CAPS.day, month_micros: CAPS.month };
  const open = (store: RailsOn["store"], timezone: string) =>
    railsOn(store, first.dir, { clock, timezone, budget });
  // Two processes, which may have read different versions of the file.
  const agents = [open(first.store, anyZone()), open(await testStore(path), anyZone())];
  const model: Model = { day: [], month: [] };
  for (let step = 0; step < 40; step++) {
    const which = upTo(2);
    const choice = random();
    if (choice < 0.3) clock.advance(upTo(9 * HOUR));
    else if (choice < 0.4) clock.advance(upTo(12 * DAY));
    else if (choice < 0.55) clock.advance(toTheEnd(model, clock.nowMs()) + [-1, 0, 1][upTo(3)]!);
    else if (choice < 0.9) {
      met.edits += 1;
      agents[which] = open(agents[which]!.store, anyZone());
    } else agents[which] = open(await testStore(path), agents[which]!.budget.timezone);
    said.push(`${agents[which]!.budget.timezone} ${new Date(clock.nowMs()).toISOString()}`);
    await shop(agents[which]!, model, upTo, met);
  }
  for (const window of WINDOWS) check(model[window], CAPS[window]);
  met.openings += model.day.length + model.month.length;
  met.namesAgain += model.day.length - new Set(model.day.map(({ name }) => name)).size;
  expect(await countersAgree(first.store.db)).toEqual([]);
  // And it never stays shut: two days on there is room again, unless the month is full.
  clock.advance(DAY + ZONES_APART);
  const later = await tryReserve(open(first.store, anyZone()), 1);
  if ("refusal" in later) expect(later.refusal.window).toBe("month");
  clock.advance(32 * DAY + ZONES_APART);
  expect(await tryReserve(open(first.store, anyZone()), 1)).toHaveProperty("entryId");
}

function toTheEnd(model: Model, nowMs: number): number {
  return Math.max(1, (model.day.at(-1)?.endsAt ?? nowMs) - nowMs);
}

/** Buys a few times; the model says which window a call counts in, and whether it has room. */
async function shop(
  rails: RailsOn,
  model: Model,
  upTo: (count: number) => number,
  met: { bought: number; refused: number },
): Promise<void> {
  const nowMs = rails.clock.nowMs();
  const { timezone } = rails.budget;
  for (let tries = 0; tries < 3; tries++) {
    const micros = 50 + upTo(500);
    const openings = WINDOWS.map((window) => openingAt(model[window], window, nowMs, timezone));
    const spent = WINDOWS.map((window, index) => spentUnder(model[window], openings[index]!.name));
    const hasRoom = WINDOWS.every((window, index) => spent[index]! + micros <= CAPS[window]);
    const shown = await peekPeriods(rails.store.db, nowMs, timezone);
    const result = await tryReserve(rails, micros);
    expect("entryId" in result).toBe(hasRoom);
    expect([shown.day, shown.month]).toEqual(openings.map(({ name }) => name));
    if (!("entryId" in result)) {
      met.refused += 1;
      continue;
    }
    await ended(rails, result.entryId, settledAt(micros));
    for (const opening of openings) opening.micros += micros;
    const entry = (await entries(rails)).find(({ id }) => id === result.entryId);
    expect([entry?.day, entry?.month]).toEqual([shown.day, shown.month]);
    met.bought += 1;
  }
}

function openingAt(
  openings: Opening[],
  window: (typeof WINDOWS)[number],
  nowMs: number,
  timezone: string,
): Opening {
  const last = openings.at(-1);
  if (last !== undefined && nowMs < last.endsAt) return last;
  const name = nameAt(window, nowMs, timezone);
  const opening = { name, fromMs: nowMs, endsAt: endOf(window, nowMs, timezone), micros: 0 };
  openings.push(opening);
  return opening;
}

function spentUnder(openings: Opening[], name: string): number {
  return openings.filter((each) => each.name === name).reduce((sum, { micros }) => sum + micros, 0);
}

const formats = new Map<string, Intl.DateTimeFormat>();

function nameAt(window: (typeof WINDOWS)[number], ms: number, timezone: string): string {
  const format = formats.get(timezone) ?? new Intl.DateTimeFormat("sv-SE", { timeZone: timezone });
  formats.set(timezone, format);
  return format.format(ms).slice(0, window === "day" ? 10 : 7);
}

/** The first instant with another name, looked for by halving: the name changes once in the span. */
function endOf(window: (typeof WINDOWS)[number], fromMs: number, timezone: string): number {
  const name = nameAt(window, fromMs, timezone);
  let [within, beyond] = [fromMs, fromMs + (window === "day" ? 25 : 31 * 24 + 1) * HOUR];
  while (beyond - within > 1) {
    const middle = Math.floor((within + beyond) / 2);
    if (nameAt(window, middle, timezone) === name) within = middle;
    else beyond = middle;
  }
  return beyond;
}

/**
 * From an opening to its end no more than the cap, nor under one name however often it is open. And there are no more names
 * than days on the calendars of the earth between the first opening and the last, however often the zone is edited.
 */
function check(openings: Opening[], capMicros: number): void {
  for (const [index, { fromMs, micros }] of openings.entries()) {
    expect(micros).toBeLessThanOrEqual(capMicros);
    expect(fromMs).toBeGreaterThanOrEqual(openings[index - 1]?.endsAt ?? 0);
  }
  const names = new Set(openings.map(({ name }) => name));
  for (const name of names) expect(spentUnder(openings, name)).toBeLessThanOrEqual(capMicros);
  const [first, last] = [openings[0], openings.at(-1)];
  if (first === undefined || last === undefined || first.name.length === 7) return;
  const [from, to] = [
    nameAt("day", first.fromMs, "Etc/GMT+12"),
    nameAt("day", last.fromMs, "Pacific/Kiritimati"),
  ];
  expect(names.size).toBeLessThanOrEqual((Date.parse(to) - Date.parse(from)) / DAY + 1);
}

it("real processes spend the day's cap once, however often the zone is edited", PROCESSES, async () => {
  const server = await ollama([], { type: "reply", usage: { outputTokens: 100 } });
  // A call may cost $0.001, and does: the day has room for one.
  const config = (timezone: string) =>
    digestConfig(server.url, {
      budget: { daily_cap_usd: 0.0015 },
      models: { prices: { "ollama/test-model": { input: 0, output: 10 } } },
      rest: { timezone },
    });
  const target = deployment(config("UTC"));
  fillInbox(target, 1, "first");
  expect((await target.afk(["tick"])).code).toBe(0);
  expect(server.requests).toHaveLength(1);
  // At any moment one of the two has another day than UTC.
  for (const [index, zone] of ["Pacific/Kiritimati", "Etc/GMT+12"].entries()) {
    target.configure(config(zone));
    fillInbox(target, 1, `more-${index}`);
    const again = await target.afk(["tick", "--now", "digest"]);
    expect(again.code, again.stderr).toBe(0);
    const { json } = await afkJson(target, "status");
    const [entry] = target.query<{ day: string; month: string }>("select day, month from ledger");
    expect(json).toHaveProperty(
      "spend",
      expect.arrayContaining([
        expect.objectContaining({ window: "day", period: entry!.day, settledUsd: 0.001 }),
        expect.objectContaining({ window: "month", period: entry!.month, settledUsd: 0.001 }),
      ]),
    );
  }
  expect(server.requests).toHaveLength(1);
});
