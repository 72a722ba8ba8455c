import * as v from "valibot";
import type { ReportItem } from "../../delivery/report.ts";
import { AfkError } from "../../lib/errors.ts";
import { REDACTED } from "../../lib/redact.ts";
import { OUTPUT_NAME } from "../../queue/publish.ts";
import type { JobContext, JobResult } from "../job.ts";
import { printedId } from "../printed-items.ts";
import { readOwnFile } from "./own-file.ts";

/** The name of the file in the run's folder; its path is in AFK_RESULT. */
export const RESULT_FILE = "result.json";

const BYTES_MAX = 1024 * 1024;
const ITEMS_MAX = 200;
const FILES_MAX = 20;
const DRAFTS_MAX = 20;
/** More than this is a mistake in the unit, and would stop the agent for good. */
const COST_USD_MAX = 10_000;

const WRITE_KEYS =
  "write an object with any of the keys units, summary, title, text, items, drafts, files, newest_input, cost_usd, and no other";
const WRITE_UNITS = "write a whole number from 0 to 10000";
const WRITE_LINE = "write a text of one line, at most 300 characters";
const WRITE_TEXT = "write a text of at most 20000 characters";
const WRITE_INSTANT = 'write an instant with its zone, for example "2026-11-21T06:00:00Z"';
const WRITE_COST = `write what was spent elsewhere, in US dollars, from 0 to ${COST_USD_MAX}`;
const WRITE_ITEMS = `write at most ${ITEMS_MAX} items of { title, link, text, source, published, key }; title is required`;
const WRITE_LINK = "write an address that begins with https:// or http://";
export const WRITE_DRAFTS: string = `write at most ${DRAFTS_MAX} drafts of { name, action, content }, each by a name of its own of one line and at most 150 characters; pull requests are drafted by kind: agent alone`;
const WRITE_FILES = `write at most ${FILES_MAX} files of { name, content }: a name without a folder, of letters, digits, ., _ and -, and a text`;

const line = v.pipe(v.string(WRITE_LINE), v.regex(/^[^\r\n]{1,300}$/, WRITE_LINE));
const longText = v.pipe(v.string(WRITE_TEXT), v.maxLength(20_000, WRITE_TEXT));
const costUsd = v.pipe(v.number(WRITE_COST), v.minValue(0, WRITE_COST), v.maxValue(COST_USD_MAX, WRITE_COST));
const instant = v.pipe(v.string(WRITE_INSTANT), v.isoTimestamp(WRITE_INSTANT));

const item = v.strictObject(
  {
    title: line,
    link: v.optional(
      v.pipe(v.string(WRITE_LINK), v.maxLength(2_000, WRITE_LINK), v.regex(/^https?:\/\/\S+$/, WRITE_LINK)),
    ),
    text: v.optional(v.pipe(v.string(WRITE_TEXT), v.maxLength(4_000, WRITE_TEXT))),
    source: v.optional(line),
    published: v.optional(instant),
    key: v.optional(line),
  },
  WRITE_ITEMS,
);

const resultSchema = v.strictObject(
  {
    units: v.optional(
      v.pipe(
        v.number(WRITE_UNITS),
        v.integer(WRITE_UNITS),
        v.minValue(0, WRITE_UNITS),
        v.maxValue(10_000, WRITE_UNITS),
      ),
    ),
    summary: v.optional(line),
    title: v.optional(line),
    text: v.optional(longText),
    items: v.optional(v.pipe(v.array(item, WRITE_ITEMS), v.maxLength(ITEMS_MAX, WRITE_ITEMS)), []),
    drafts: v.optional(
      v.pipe(
        v.array(
          v.strictObject(
            {
              name: line,
              action: v.pipe(line, v.notValue("pull_request", WRITE_DRAFTS)),
              content: v.record(v.string(), v.unknown(), WRITE_DRAFTS),
            },
            WRITE_DRAFTS,
          ),
          WRITE_DRAFTS,
        ),
        v.maxLength(DRAFTS_MAX, WRITE_DRAFTS),
        v.check((drafts) => new Set(drafts.map(({ name }) => name)).size === drafts.length, WRITE_DRAFTS),
      ),
      [],
    ),
    files: v.optional(
      v.pipe(
        v.array(
          v.strictObject(
            {
              name: v.pipe(v.string(WRITE_FILES), v.regex(OUTPUT_NAME, WRITE_FILES)),
              content: v.string(WRITE_FILES),
            },
            WRITE_FILES,
          ),
          WRITE_FILES,
        ),
        v.maxLength(FILES_MAX, WRITE_FILES),
      ),
      [],
    ),
    newest_input: v.optional(instant),
    cost_usd: v.optional(costUsd),
  },
  WRITE_KEYS,
);

/** What a program handed in. */
export type HandedIn = v.InferOutput<typeof resultSchema>;

/** What a program wrote into the file of AFK_RESULT is no result. */
export class BadResult extends AfkError {
  constructor(job: string, problem: string) {
    super("bad_result", `job ${job}: what its program wrote into AFK_RESULT ${problem}`);
  }
}

/** Reads what the program of a job wrote, its secrets taken out; null where it wrote nothing. @throws BadResult for what is no JSON. */
export function readResultFile(job: string, path: string, secrets: readonly string[]): unknown {
  const found = readOwnFile(path, BYTES_MAX);
  if (found === null) return null;
  if ("problem" in found) throw new BadResult(job, found.problem);
  return parseJson(job, found.text, secrets);
}

/** US dollars that a program says it has spent, whatever else it wrote; 0 where it says nothing of the kind. */
export function costUsdOf(written: unknown): number {
  const parsed = v.safeParse(v.object({ cost_usd: costUsd }), written);
  return parsed.success ? parsed.output.cost_usd : 0;
}

/** What a program handed in. @throws BadResult, which says what to write. */
export function readHandedIn(job: string, written: unknown): HandedIn | null {
  if (written === null) return null;
  const parsed = v.safeParse(resultSchema, written);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  const at = v.getDotPath(issue);
  throw new BadResult(
    job,
    `is refused${at === null ? "" : ` at ${JSON.stringify(at.slice(0, 80))}`}: ${issue.message}`,
  );
}

function parseJson(job: string, text: string, secrets: readonly string[]): unknown {
  const hide = (value: string) => secrets.reduce((left, secret) => left.replaceAll(secret, REDACTED), value);
  try {
    return JSON.parse(text, (_key, value) => (typeof value === "string" ? hide(value) : value));
  } catch {
    throw new BadResult(job, `is no JSON; ${WRITE_KEYS}`);
  }
}

/** Does with what was handed in as its job would: files and drafts become real when the job is done. Gives what else it is of the result. */
export function takeHandedIn(
  context: Pick<JobContext, "name" | "publish" | "draft">,
  handed: HandedIn,
): Pick<JobResult, "printed" | "newestInputMs"> & { items: ReportItem[] } {
  for (const { name, content } of handed.files) context.publish(name, content);
  for (const { name, action, content } of handed.drafts) context.draft(name, action, content);
  const printed = handed.items.map(({ title, link = null, text = "", source, published, key }) => {
    const own = key ?? link ?? title;
    return {
      id: printedId(context.name, own),
      key: own,
      title,
      link,
      source: source ?? context.name,
      summary: text,
      publishedAt: published === undefined ? null : Date.parse(published),
      score: null,
    };
  });
  const items = printed.map(({ id, title, link, source, summary }) => {
    return { id, title, link, byline: source === context.name ? "" : source, text: summary, remark: null };
  });
  const { newest_input: newest } = handed;
  return { printed, items, newestInputMs: newest === undefined ? null : Date.parse(newest) };
}
