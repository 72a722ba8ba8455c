import { existsSync } from "node:fs";
import { type AgentOptions, openAgent, readAgentConfig } from "../agent.ts";
import type { Environment } from "../config/environment.ts";
import type { Report, Violation } from "../faults/oracles/invariant.ts";
import { openReader, type Reader } from "../faults/oracles/reader.ts";
import { checkRequest } from "../faults/oracles/requests.ts";
import { type SeededRandom, seededRandom } from "../faults/seeded-random.ts";
import type { JobKind } from "../jobs/job.ts";
import { usdFromMicros } from "../lib/money.ts";
import { instantIn } from "../lib/zone.ts";
import { createAudit } from "./audit.ts";
import { createCalendar, type Day, readLine } from "./calendar.ts";
import type { SimulatedEnvironment } from "./environment/environment.ts";
import type { FaultName } from "./fault-names.ts";
import { createMachine } from "./machine.ts";
import { createFaultRates } from "./world/fault-rates.ts";
import type { LocalSource } from "./world/sources.ts";
import { createWorld } from "./world/world.ts";

/** What one simulation is made of; it crosses to a thread, so it is plain data. */
export interface SimulationInput {
  /** A folder of its own, empty but for afk.yaml and what stands in for local sources. */
  dir: string;
  configFile: string;
  state: string;
  environment: Environment;
  local: LocalSource[];
  days: number;
  seed: number;
  faults: readonly FaultName[];
}

/** What the operator and the faults change. */
interface Overrides {
  /** The daily cap by the host's setting, in micro-dollars; null as afk.yaml says. */
  dailyCapMicros: number | null;
  /** True moment since which there is a STOP file that somebody else made. */
  stopFileAtMs: number | null;
  isConfigBroken: boolean;
  /** What is to happen a moment after the next request to a model; once. */
  inFlight: (() => void) | null;
}

/** One simulation under way: what the parts that act in it share. */
export type SimulationContext = ReturnType<typeof setUp>;

/** Puts the agent's configuration into the environment, with a world around it in which nothing has happened yet. */
export function setUp(
  environment: SimulatedEnvironment,
  input: SimulationInput,
  kinds: readonly JobKind[],
  onDay: (day: Day) => void,
) {
  const { time, disk } = environment;
  const { seed, local } = input;
  const options = { config: input.configFile, state: input.state, environment: input.environment, kinds };
  const config = readAgentConfig(options);
  time.reset(firstMidnight(config.timezone, seededRandom(seed, "start")));

  const calendar = createCalendar(config.timezone, time.trueMs, onDay);
  const faultRates = createFaultRates(new Set(input.faults), seededRandom(seed, "faultRates"));
  const overrides: Overrides = {
    dailyCapMicros: null,
    stopFileAtMs: null,
    isConfigBroken: false,
    inFlight: null,
  };
  const approvals = new Map<string, number>();
  let violation: Violation | null = null;
  const report: Report = (invariant, message) => {
    violation ??= { invariant, message, atMs: time.elapsedMs() };
  };
  let reader: Reader | null = null;
  const closeReader = () => {
    reader?.[Symbol.dispose]();
    reader = null;
  };
  const onRequest = (url: URL) => calendar.stamp(`${time.elapsedMs()} ${url.href}`);
  const onModelRequest = () => noteRequest(context);
  const world = createWorld({ config, local, seed, time, faultRates, onRequest, onModelRequest });
  Object.assign(environment, { internet: world.internet, randomness: seededRandom(seed, "agent") });

  const agentOptions = (): AgentOptions => ({
    ...options,
    environment: { ...input.environment, ...capSetting(overrides) },
    clock: time,
    onAlert: ({ title }) => void calendar.today().told.push(title),
    onLogLine(line) {
      calendar.stamp(line.replaceAll(input.dir, ""));
      readLine(line, calendar.today(), overrides.dailyCapMicros !== null);
    },
  });
  const context = {
    environment,
    config,
    machine: createMachine(environment, openAgent, agentOptions, closeReader),
    world,
    faultRates,
    calendar,
    audit: createAudit(config, world, approvals, report),
    /** Null until the agent has made its database. */
    reader(): Reader | null {
      if (existsSync(config.paths.database)) reader ??= openReader(config.paths.database, disk.outside);
      return reader;
    },
    closeReader,
    report,
    /** The first breach; nothing is done after it. */
    violation: (): Violation | null => violation,
    /** Writes down what went wrong on purpose. */
    note(fault: FaultName, words: string) {
      calendar.stamp(`${time.elapsedMs()} ${words}`);
      calendar.today().faults.push({ fault, words });
    },
    /** What is done before the next tick, between two processes. */
    between: [] as (() => unknown)[],
    /** True when the operator is to come before the next tick. */
    isOperatorDue: false,
    /** How often each draft was approved. */
    approvals,
    overrides,
  };
  return context;
}

/** A request has reached a model: the database is checked before it is answered. */
function noteRequest(context: SimulationContext): void {
  const { world, calendar, config, overrides, environment, audit, report } = context;
  const bill = world.models.bills.at(-1);
  const reader = context.reader();
  if (bill === undefined || reader === null) {
    report("gates", "a model was called before there was a database");
    return;
  }
  const { inFlight, dailyCapMicros, isConfigBroken } = overrides;
  overrides.inFlight = null;
  inFlight?.();
  const today = calendar.today();
  today.requests += 1;
  today.billedMicros += bill.micros;
  const now = {
    caps: { ...config.budget.caps, ...(dailyCapMicros !== null && { day_micros: dailyCapMicros }) },
    wallMs: environment.time.nowMs(),
    elapsedMs: environment.time.elapsedMs(),
    stopFileAtMs: existsSync(config.paths.stopFile) ? overrides.stopFileAtMs : null,
    isConfigBroken,
  };
  const entry = checkRequest(reader, bill, now, (id) => audit.ledger.billOf(id) !== undefined, report);
  if (entry !== null) audit.ledger.billed(entry, bill);
}

function capSetting({ dailyCapMicros }: Overrides): object {
  return dailyCapMicros === null ? {} : { DAILY_CAP_USD: usdFromMicros(dailyCapMicros).toFixed(6) };
}

/** Shortly before the clocks of Europe or America change. */
const BEFORE_CHANGES = [
  { year: 2026, month: 3, day: 27 },
  { year: 2026, month: 10, day: 23 },
  { year: 2027, month: 3, day: 12 },
  { year: 2027, month: 11, day: 5 },
] as const;

/** When a simulation begins: some day within two years and, one time in three, just before the clocks change. */
function firstMidnight(timezone: string, random: SeededRandom): number {
  const any = { year: 2026 + random.below(2), month: random.between(1, 12), day: random.between(1, 28) };
  const date = random.chance(1 / 3) ? random.of(BEFORE_CHANGES) : any;
  return instantIn(timezone, { ...date, hour: 0, minute: 0, second: 0 });
}
