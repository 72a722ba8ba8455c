import { VERSION } from "../../agent.ts";
import { findFix } from "../../evidence/incidents/fixed-by.ts";
import {
  type Closing,
  closeIncident,
  type Incident,
  listIncidents,
  sayable,
  showIncident,
} from "../../evidence/incidents/incidents.ts";
import { systemClock } from "../../lib/clock.ts";
import { formatDuration } from "../../lib/duration-text.ts";
import { shortId } from "../../lib/ids.ts";
import { visible } from "../../lib/visible.ts";
import { momentText, shortMomentText } from "../../lib/zone.ts";
import { meantId } from "../../ops/short-ids.ts";
import { ask, canAsk } from "../ask.ts";
import { defineCommand, LIMIT, UsageError } from "../command.ts";
import { fieldLines } from "../draft-lines.ts";
import { withAgent, withState } from "../open.ts";
import { type Column, tableText } from "../text.ts";

const ID = {
  type: "positional",
  description: "The incident's id, or as much of it as no other has",
} as const;

function columns(timezone: string, nowMs: number): Column<Incident>[] {
  return [
    ["ID", ({ id }) => shortId(id)],
    ["SINCE", ({ openedAt }) => shortMomentText(Date.parse(openedAt), timezone, nowMs)],
    ["LASTED", (incident) => `${lasted(incident)}${incident.state === "closed" ? ", closed" : ""}`],
    ["SIGNS", ({ count }) => String(count), "right"],
    ["WHAT", ({ title }) => visible(title).slice(0, 80)],
  ];
}

const list = defineCommand({
  description: "What broke and was not closed by a person yet, the newest first",
  examples: ["afk incidents", "afk incidents list --all --json"],
  json: true,
  args: {
    all: { type: "boolean", description: "Those that were closed too" },
    limit: LIMIT,
  },
  async run({ args }) {
    return await withState(args, async ({ db, config: { timezone } }) => {
      const incidents = await listIncidents(db, args);
      const none = args.all ? "nothing broke yet" : "no open incidents";
      return { json: incidents, text: tableText(incidents, columns(timezone, systemClock.nowMs()), none) };
    });
  },
});

const show = defineCommand({
  description:
    "One incident: its first sign, how long it lasted, where its trace is, and what was said of it",
  examples: ["afk incidents show ID"],
  json: true,
  args: { id: ID },
  async run({ args }) {
    return await withState(args, async ({ db, config: { timezone } }) => {
      const incident = await showIncident(db, await meantId(db, "incidents", args.id));
      return { json: incident, text: fieldLines(fieldsOf(incident, timezone)) };
    });
  },
});

const close = defineCommand({
  description: "Writes down why it broke, what mended it, and what keeps it from coming again",
  examples: [
    "afk incidents close ID",
    'afk incidents close ID --cause "the disk was full" --fix "removed old images" --prevention "a weekly prune" --fixed-by 3f2a91c',
  ],
  json: true,
  args: {
    id: ID,
    cause: { type: "string", valueHint: "TEXT", description: "Why it broke" },
    fix: { type: "string", valueHint: "TEXT", description: "What mended it" },
    prevention: { type: "string", valueHint: "TEXT", description: "What keeps it from coming again" },
    "fixed-by": {
      type: "string",
      valueHint: "WHICH",
      description: "What fixed it: a release's hash, a version of afk, or a commit; it must exist",
    },
  },
  async run({ args }) {
    const closed = await withAgent(args, async ({ config, rails, outbox }) => {
      const id = await meantId(rails.store.db, "incidents", args.id);
      const { state } = await showIncident(rails.store.db, id);
      // One that is closed is refused: nobody is asked in vain.
      const { store, clock } = rails;
      const sources = { db: store.db, version: VERSION, folders: [config.paths.base, process.cwd()] };
      const closing = state === "closed" ? BLANK : await closingFrom(args, (text) => findFix(sources, text));
      return await closeIncident({ config, store, clock, redact: outbox.redact }, id, closing);
    });
    const text = [`closed ${closed.id}: ${visible(closed.title)}`, "it is in runs/INCIDENTS.md"];
    return { json: closed, text };
  },
});

export default defineCommand({
  subCommands: { list, show, close },
  default: "list",
});

/** Never written as it is. */
const BLANK: Closing = { cause: "-", fix: "-", prevention: "-", fixedBy: null };

const QUESTIONS = {
  cause: "Why did it break?",
  fix: "What mended it?",
  prevention: "What keeps it from coming again?",
} as const;

const NAMES = ["cause", "fix", "prevention"] as const;

type Given = Partial<Record<keyof typeof QUESTIONS | "fixed-by", string | undefined>> & { json: boolean };

/** What was given, and on a terminal the answers for what was left out. @throws UsageError, IncidentRefused */
async function closingFrom(given: Given, found: (text: string) => Promise<string>): Promise<Closing> {
  for (const name of NAMES) if (given[name] !== undefined) sayable(name, given[name]);
  const fixedBy = given["fixed-by"];
  const left = NAMES.filter((name) => given[name] === undefined);
  if (left.length > 0 && !canAsk(given.json)) {
    const options = left.map((name) => `--${name}`).join(", ");
    throw new UsageError(`Give ${options}: there is no terminal to ask on.`);
  }
  const closing: Closing = { ...BLANK, fixedBy: fixedBy === undefined ? null : await found(fixedBy) };
  for (const name of NAMES) closing[name] = given[name] ?? (await ask(QUESTIONS[name]));
  if (left.length > 0 && closing.fixedBy === null) {
    const answer = await ask("Which release, version or commit fixed it? (empty: none)");
    if (answer !== "") closing.fixedBy = await found(answer);
  }
  return closing;
}

function fieldsOf(
  incident: Incident & { message: string | null },
  timezone: string,
): [string, string | null][] {
  const moment = (iso: string | null) => (iso === null ? null : momentText(Date.parse(iso), timezone));
  const { count, openedAt, lastAt, recoveredAt, closedAt, configHash } = incident;
  return [
    ["incident", incident.id],
    ["state", incident.state],
    ["event", incident.event],
    ["what", incident.title],
    ["message", incident.message],
    ["first sign", moment(openedAt)],
    ["last sign", `${moment(lastAt)}, ${count} in all`],
    ["recovered", moment(recoveredAt)],
    ["lasted", lasted(incident)],
    ["job", incident.job],
    ["trace", incident.trace],
    ["release", configHash],
    ["closed", moment(closedAt)],
    ["cause", incident.cause],
    ["fix", incident.fix],
    ["prevention", incident.prevention],
    ["fixed by", incident.fixedBy],
  ];
}

function lasted({ recoveryMs, state }: Incident): string {
  if (recoveryMs !== null) return formatDuration(recoveryMs);
  return state === "closed" ? "not seen to end" : "lasts";
}
