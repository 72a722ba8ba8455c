import wrapAnsi from "wrap-ansi";
import type { PreparedDraft } from "../egress/imap/prepare-append.ts";
import type { OutgoingRequest } from "../egress/types.ts";
import type { PushRequest } from "../jobs/actions/action.ts";
import { visible } from "../lib/visible.ts";
import type { DraftView } from "../ops/drafts.ts";
import type { DraftPreview } from "../runner/drafts/preview.ts";
import { paint } from "./output.ts";
import { COLUMNS } from "./text.ts";

const LABEL_WIDTH = 11;
/** Stands before every line of a body, so that none of them can pass for one of ours. */
const GUTTER = "  | ";
const GUTTER_WRAPPED = "  : ";
/** Deeper JSON is shown as it is: indenting it takes the square of its depth. */
const PRETTY_DEPTH_MAX = 40;

/** A draft and the request its approval sends, for a person to judge. Nothing in them can look like these lines. */
export function previewLines(preview: DraftPreview, columns = COLUMNS): string[] {
  const { draft, push, request, append, refusal } = preview;
  const isPrepared = request !== null || append !== null;
  const body = append?.message.body ?? (request === null ? JSON.stringify(draft.content) : request.body);
  return [
    ...fieldLines(headOf(draft), columns),
    ...(push === null ? [] : pushLines(push, columns)),
    ...(request === null ? [] : requestLines(request, columns)),
    ...(append === null ? [] : messageLines(append, columns)),
    ...bodyLines(isPrepared ? "body" : "content", body, columns),
    ...(refusal === null ? [] : fieldLines([["refused", refusal]], columns)),
  ];
}

/** Each label with its value, foreign or not, on as many lines as it takes; only a label stands at the left edge. */
export function fieldLines(
  fields: readonly (readonly [string, string | null])[],
  columns = COLUMNS,
): string[] {
  const width = Math.max(20, columns - LABEL_WIDTH);
  return fields.flatMap(([label, value]) =>
    value === null
      ? []
      : wrapVisible(value, width).map((line, i) =>
          i === 0
            ? `${paint("bold", label.padEnd(LABEL_WIDTH))}${line}`
            : // The space at which the line was broken.
              `${" ".repeat(LABEL_WIDTH)}${line.replace(/^ (?=\S)/, "")}`,
        ),
  );
}

/**
 * Visible text in pieces of at most `columns` columns: a terminal that wraps a long line by itself begins the rest at the
 * left edge, where it could pass for a line of ours. Nothing of the text is left out.
 */
export function wrapVisible(text: string, columns: number): string[] {
  return wrapAnsi(visible(text), columns, { hard: true, trim: false }).split("\n");
}

function headOf(draft: DraftView): [string, string | null][] {
  return [
    ["draft", draft.id],
    ["state", draft.state],
    ["job", `${draft.jobName} (${draft.jobKey})`],
    ["name", draft.name],
    ["action", draft.action],
    ["drafted", draft.createdAt],
    ["tried", draft.attemptedAt],
    ["decided", draft.decidedAt],
    ["done", draft.summary],
    ["error", draft.error],
  ];
}

/** First what is pushed, since that comes first; title and text stand in the request, or are the content where there is none. */
function pushLines({ remote, branch, base, commit, changes }: PushRequest, columns: number): string[] {
  return [
    ...fieldLines(
      [
        ["repository", remote],
        ["branch", `${branch} (new)`],
        ["into", base],
        ["commit", commit],
        ["changes", ""],
      ],
      columns,
    ),
    ...quotedLines(changes, columns),
  ];
}

function requestLines({ method, url, headers }: OutgoingRequest, columns: number): string[] {
  return fieldLines(
    [
      ["host", URL.parse(url)?.host ?? null],
      ["method", method],
      ["address", url],
      ...Object.entries(headers).map(([name, value]) => ["header", `${name}: ${value}`] as const),
    ],
    columns,
  );
}

/** A message that would lie in a folder. Where its answer goes to somebody else than its author, that is said. */
function messageLines({ server, user, folder, from, messageId, message }: PreparedDraft, columns: number) {
  const { to, author, subject, inReplyTo, references } = message;
  const other = author !== null && author.toLowerCase() !== to.toLowerCase();
  return fieldLines(
    [
      ["server", server],
      ["mailbox", user],
      ["folder", folder ?? "the one that the server marks as that of drafts"],
      ["from", from],
      ["to", to],
      ["note", other ? `the mail is from ${author}, and its Reply-To is another` : null],
      ["subject", subject],
      ["message-id", messageId],
      ["answers", inReplyTo],
      ["thread", references.length === 0 ? null : references.join(" ")],
    ],
    columns,
  );
}

function bodyLines(label: string, body: string | null, columns: number): string[] {
  if (body === null) return fieldLines([[label, "none"]], columns);
  const pretty = prettyJson(body);
  const bytes = Buffer.byteLength(body);
  const size = `${bytes} bytes${pretty === null ? "" : " of JSON, laid out here for reading"}`;
  return [...fieldLines([[label, size]], columns), ...quotedLines(pretty ?? body, columns)];
}

/** Text of several lines, each behind a mark, so that none can pass for a line of ours. */
export function quotedLines(text: string, columns: number): string[] {
  const width = Math.max(20, columns - GUTTER.length);
  return text
    .split("\n")
    .flatMap((line) =>
      wrapVisible(line, width).map((part, i) => `${i === 0 ? GUTTER : GUTTER_WRAPPED}${part}`),
    );
}

/**
 * JSON laid out, where that shows all there is: what reads and writes back differently (a key that stands there twice,
 * spaces) is no such JSON.
 */
function prettyJson(body: string): string | null {
  if (depthOf(body) > PRETTY_DEPTH_MAX) return null;
  try {
    const value: unknown = JSON.parse(body);
    return JSON.stringify(value) === body ? JSON.stringify(value, undefined, 2) : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** At least as deep as it is nested: brackets in strings count too. */
function depthOf(json: string): number {
  let depth = 0;
  let deepest = 0;
  for (const character of json) {
    if (character === "{" || character === "[") depth += 1;
    if (character === "}" || character === "]") depth -= 1;
    deepest = Math.max(deepest, depth);
  }
  return deepest;
}
