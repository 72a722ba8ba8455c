import { existsSync } from "node:fs";
import { type AgentOptions, openAgent } from "../agent.ts";
import type { Environment } from "../config/environment.ts";
import type { JobKind } from "../jobs/job.ts";
import { jobKinds } from "../jobs/registry.ts";
import { usdFromMicros } from "../lib/money.ts";
import { readConfig } from "../ops/read-config.ts";
import { type Audit, createAudit } from "./audit.ts";
import { createCalendar, type Day } from "./calendar.ts";
import { type Books, openBooks } from "./checks/books.ts";
import type { Report, Violation } from "./checks/invariant.ts";
import { checkRequest } from "./checks/requests.ts";
import type { Hands, Stage } from "./context.ts";
import type { Realm } from "./environment/environment.ts";
import { createDice } from "./environment/seeded-random.ts";
import { firstMidnight } from "./first-midnight.ts";
import type { SimulationInput } from "./input.ts";
import { createMachine } from "./machine.ts";
import { readLine } from "./observe.ts";
import { createWeather } from "./world/fault-rates.ts";
import { createWorld } from "./world/world.ts";

/** Puts the agent's configuration into the realm, with a world around it in which nothing has happened yet. */
export function setUp(
  realm: Realm,
  input: SimulationInput,
  kinds: readonly JobKind[],
  onDay: (day: Day) => void,
): Stage {
  const { time, disk } = realm;
  const { seed } = input;
  const baseOptions = { config: input.configFile, state: input.state, environment: input.environment };
  realm.use(noInternet(), createDice(seed, "agent"));
  const config = readConfig(baseOptions, [...kinds, ...jobKinds]);
  const startMs = firstMidnight(config.timezone, createDice(seed, "start"));
  time.reset(startMs);

  const calendar = createCalendar(config.timezone, time.trueMs, onDay);
  const weather = createWeather(new Set(input.faults), createDice(seed, "weather"));
  const hands: Hands = { dailyCapMicros: null, stopFileAtMs: null, isConfigBroken: false, inFlight: null };
  const approvals = new Map<string, number>();
  let violation: Violation | null = null;
  const report: Report = (invariant, message) => {
    violation ??= { invariant, message, atMs: time.elapsedMs() };
  };
  let books: Books | null = null;
  const openedBooks = () => {
    if (books === null && existsSync(config.paths.database)) books = openBooks(config.paths.database, disk);
    return books;
  };
  const closeBooks = () => {
    books?.close();
    books = null;
  };
  const audit: Audit = createAudit(config, () => world, approvals, report);
  const world = createWorld({
    config,
    local: input.local,
    seed,
    startMs,
    time,
    weather,
    onRequest: (url) => calendar.stamp(`${time.elapsedMs()} ${url.href}`),
    onModelRequest: () => noteRequest(stage),
  });
  realm.use(world, createDice(seed, "agent"));

  const agentOptions = (): AgentOptions => ({
    ...baseOptions,
    environment: withCap(input, hands),
    clock: time,
    kinds,
    onAlert: ({ title }) => void calendar.today().told.push(title),
    onLogLine(line) {
      calendar.stamp(line.replaceAll(input.dir, ""));
      readLine(line, calendar.today(), hands.dailyCapMicros !== null);
    },
  });
  const machine = createMachine(realm, openAgent, agentOptions, closeBooks);
  const stage: Stage = {
    realm,
    config,
    machine,
    world,
    weather,
    calendar,
    audit,
    books: openedBooks,
    closeBooks,
    report,
    violation: () => violation,
    note(fault, words) {
      calendar.stamp(`${time.elapsedMs()} ${words}`);
      calendar.today().faults.push({ fault, words });
    },
    between: [],
    isPersonDue: false,
    approvals,
    hands,
  };
  return stage;
}

/** A request has reached a model: the books are looked at before it is answered. */
function noteRequest({ world, calendar, config, hands, realm, audit, report, ...stage }: Stage): void {
  const bill = world.models.bills.at(-1);
  const books = stage.books();
  if (bill === undefined || books === null) {
    report("gates", "a model was called before there was a database");
    return;
  }
  const { inFlight } = hands;
  hands.inFlight = null;
  inFlight?.();
  const today = calendar.today();
  today.requests += 1;
  today.billedMicros += bill.micros;
  const now = {
    caps: { ...config.budget, dailyCapMicros: hands.dailyCapMicros ?? config.budget.dailyCapMicros },
    wallMs: realm.time.nowMs(),
    elapsedMs: realm.time.elapsedMs(),
    stopFileAtMs: existsSync(config.paths.stopFile) ? hands.stopFileAtMs : null,
    isConfigBroken: hands.isConfigBroken,
  };
  const entry = checkRequest(books, bill, now, audit.ledger.isBilled, report);
  if (entry !== null) audit.ledger.billed(entry, bill);
}

function withCap({ environment }: SimulationInput, { dailyCapMicros }: Hands): Environment {
  if (dailyCapMicros === null) return environment;
  return { ...environment, DAILY_CAP_USD: usdFromMicros(dailyCapMicros).toFixed(6) };
}

/** While the configuration is read nothing is asked of anybody. */
function noInternet(): Parameters<Realm["use"]>[0] {
  const refuse = (): never => {
    throw new Error("afk bug: something was sent before the simulation began");
  };
  return { answer: refuse, after: refuse, accept: refuse, isKnown: refuse };
}
