import * as v from "valibot";
import { capMicrosFromUsd } from "../lib/money.ts";
import {
  type CapName,
  type Caps,
  DATED_WINDOWS,
  OWNERS,
  type OwnerName,
  UNITS,
  type UnitName,
  WINDOWS,
} from "../lib/windows.ts";
import { integer, pathTo, section, usd } from "./fields.ts";
import { isSection } from "./path.ts";

/** What may be used, by whom. */
export interface StatedBudget {
  /** Of the agent as a whole; those of ticks and runs hold for each of them. */
  caps: Caps;
  /** Of each job and each client by its name; of those that have any. */
  owners: Record<OwnerName, Record<string, Caps>>;
}

/** One key of a section of caps, and the cap that it states. */
export interface CapKey {
  key: string;
  cap: CapName;
  unit: UnitName;
  window: (typeof WINDOWS)[number];
}

function capKeys(
  windows: readonly CapKey["window"][],
  keyOf: (window: CapKey["window"], unit: UnitName) => string,
): CapKey[] {
  return UNITS.flatMap(({ name: unit, amount }) =>
    windows.map(
      (window): CapKey => ({ key: keyOf(window, unit), cap: `${window.name}_${amount}`, unit, window }),
    ),
  );
}

/** Of the section `budget`: `daily_cap_usd`. */
export const BUDGET_KEYS = capKeys(WINDOWS, ({ key }, unit) => `${key}_cap_${unit}`);

/** Of an owner's `caps`: `daily_usd`, and `run_usd` for one run. */
function ownerKeys(runs: string | null): CapKey[] {
  const windows = [...WINDOWS.filter(({ name }) => name === runs), ...DATED_WINDOWS];
  return capKeys(windows, ({ name, key }, unit) => `${name === runs ? "run" : key}_${unit}`);
}

/** Schemas of caps by their keys, each of which may be left out. */
type CapEntries = Record<string, v.OptionalSchema<v.GenericSchema<number>, undefined>>;

/** The section `budget`. */
export function budgetSchema() {
  const thresholds = "write fractions of the cap, above 0 and at most 1, each once, for example [0.5, 0.8]";
  const entries = {
    ...entriesOf(BUDGET_KEYS, ""),
    warning_thresholds: v.optional(
      v.pipe(
        v.array(
          v.pipe(v.number(thresholds), v.gtValue(0, thresholds), v.maxValue(1, thresholds)),
          thresholds,
        ),
        v.maxLength(10, "write at most 10 thresholds"),
        v.check((list) => new Set(list).size === list.length, thresholds),
        v.metadata({ uniqueItems: true }),
        v.description("Fractions of a cap at which a warning is sent."),
      ),
      [0.5, 0.8],
    ),
  };
  return v.pipe(
    section(BUDGET, entries),
    v.rawCheck(({ dataset, addIssue }) => {
      const stated: Record<string, unknown> = dataset.typed ? dataset.value : {};
      if (!dataset.typed || DAILY_KEYS.some((key) => stated[key] !== undefined)) return;
      addIssue({ message: MISSING_CAP, path: pathTo(dataset.value, "daily_cap_usd") });
    }),
    v.transform(({ warning_thresholds }) => ({
      warningThresholds: [...warning_thresholds].sort((a, b) => a - b),
    })),
  );
}

const BUDGET =
  "The most the agent may use. Every call is checked against each cap before it is made. At least one cap of an hour or a day must be stated; where a model costs money that is daily_cap_usd.";

/** What is told where no cap of a day or shorter is stated. */
export const MISSING_CAP =
  "missing; write the most this agent may spend in a day, in US dollars, for example 1.00 (0 = spend nothing)";

/** The section `caps` of a job or a client. */
export function ownerCapsSchema(owner: OwnerName) {
  const keys = ownerKeys(OWNERS.find(({ name }) => name === owner)?.runs ?? null);
  return v.optional(
    section(
      `The most this ${owner} may use, beside the caps of the agent.`,
      entriesOf(keys, `this ${owner} `),
    ),
  );
}

function entriesOf(keys: readonly CapKey[], who: string): CapEntries {
  return Object.fromEntries(
    keys.map(({ key, unit, window }) => [key, v.optional(capSchema(unit, window, who))]),
  );
}

function capSchema(unit: UnitName, { name, span, short, exampleUsd }: CapKey["window"], who: string) {
  const isOwnSpan = name === "tick" || name === "job";
  const most = isOwnSpan ? `${short} may` : `${who || "this agent "}may`;
  const when = isOwnSpan ? "" : ` in ${short}`;
  if (unit === "usd")
    return usd(
      `Cap of ${span}, in US dollars; 0 refuses every call, free ones too.`,
      `the most ${most} spend${when}`,
      exampleUsd,
    );
  const what = unit === "tokens" ? "tokens, input and output together" : "calls";
  const how = `how many ${unit} ${most} take${when}`;
  return integer(`Cap of ${span}, in ${what}; 0 allows none.`, how, [0, AMOUNT_MAX]);
}

/** More tokens or calls than any window of one agent should be trusted with; sums of them stay exact. */
const AMOUNT_MAX = 1_000_000_000_000;

/** The caps that a section states, each judged by itself, whatever is wrong with the others; dollars become micro-dollars. */
function readableCaps(keys: readonly CapKey[], section: unknown): Caps {
  if (!isSection(section)) return {};
  const caps = keys.flatMap(({ key, cap, unit, window }) => {
    const value = section[key];
    if (!v.is(capSchema(unit, window, ""), value)) return [];
    return [[cap, unit === "usd" ? capMicrosFromUsd(value) : value]];
  });
  return Object.fromEntries(caps);
}

/** Every cap that the sections of a file state, as far as they can be read. */
export function statedBudget(top: unknown): StatedBudget {
  const file = isSection(top) ? top : {};
  const owners = OWNERS.map(({ name, list, runs }) => {
    const keys = ownerKeys(runs);
    const found = [...list].reduce<unknown>((at, key) => (isSection(at) ? at[key] : undefined), file);
    const named = (Array.isArray(found) ? found : []).flatMap((entry) =>
      isSection(entry) && typeof entry.name === "string"
        ? [[entry.name, readableCaps(keys, entry.caps)] as const]
        : [],
    );
    return [name, Object.fromEntries(named.filter(([, caps]) => Object.keys(caps).length > 0))];
  });
  return {
    caps: readableCaps(BUDGET_KEYS, file.budget),
    owners: Object.fromEntries(owners) as StatedBudget["owners"],
  };
}

/** Of each cap the lower one; no cap is the highest. */
export function lowerCaps<Budget extends StatedBudget>(budget: Budget, other: StatedBudget): Budget {
  const owners = OWNERS.map(({ name }) => [name, lowerOwners(budget.owners[name], other.owners[name])]);
  return { ...budget, caps: lower(budget.caps, other.caps), owners: Object.fromEntries(owners) };
}

function lowerOwners(some: Record<string, Caps>, others: Record<string, Caps>): Record<string, Caps> {
  const names = [...new Set([...Object.keys(some), ...Object.keys(others)])];
  return Object.fromEntries(names.map((name) => [name, lower(some[name] ?? {}, others[name] ?? {})]));
}

function lower(some: Caps, others: Caps): Caps {
  const names = [...new Set([...Object.keys(some), ...Object.keys(others)])] as CapName[];
  return Object.fromEntries(
    names.map((name) => [name, Math.min(some[name] ?? Infinity, others[name] ?? Infinity)]),
  );
}

/** The keys of a cap of a day or shorter, of which every agent has at least one. */
export const DAILY_KEYS = BUDGET_KEYS.filter(({ window: { name } }) => name === "hour" || name === "day").map(
  ({ key }) => key,
);
