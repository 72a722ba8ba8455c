import * as v from "valibot";
import { EgressFailed } from "../../../egress/errors.ts";
import type { Egress } from "../../../egress/types.ts";
import type { JobContext } from "../../job.ts";
import { parseBoundedJson } from "../bounded-json.ts";
import { SourceUnreadable } from "../source.ts";
import type { Entry, ForgeRequest, Listing } from "./listing.ts";

/** A hundred releases with fifty files each have half a million. */
const JSON_VALUES_MAX = 600_000;
/** Of one page: a hundred texts of 64 KiB, and room. */
const PAGE_BYTES_MAX = 8 * 1024 * 1024;

/** What reading a forge needs of the job. */
export type ForgeContext = { egress: Pick<Egress, "fetch">; signal: AbortSignal } & Pick<
  JobContext,
  "isSeen"
>;

/** Pages are asked for by number: a page that is answered from what is kept has no Link header. */
export async function readPages(
  { url: start, key, entry, pageMax }: Listing,
  { request, itemsMax }: { request: ForgeRequest; itemsMax: number },
  { egress, signal }: ForgeContext,
): Promise<{ entries: Entry[]; hasMore: boolean }> {
  const { sizeParameter, tokenHint, ...asked } = request;
  const size = Math.min(pageMax, itemsMax);
  const entries: Entry[] = [];
  for (let page = 1; ; page++) {
    const more = page === 1 ? "" : `&page=${page}`;
    const url = `${start}${start.includes("?") ? "&" : "?"}${sizeParameter}=${size}${more}`;
    const options = { ...asked, signal, isApi: true, bytesMax: PAGE_BYTES_MAX };
    const answer = await egress.fetch(url, options).catch((error: unknown) => {
      throw withHint(error, request);
    });
    if (!answer.fromCache && answer.status !== 200)
      throw new SourceUnreadable(`${url} answered ${answer.status}`);
    const read = parseAs(entry, listIn(parseJson(answer.body, url), key), { url, pageMax });
    entries.push(...read.filter((each) => each !== null));
    const hasMore = read.length >= size;
    if (!hasMore || page * size >= itemsMax) return { entries, hasMore };
  }
}

/** A forge says 404 of what it does not show. */
function withHint(error: unknown, { credential, tokenHint }: ForgeRequest): unknown {
  if (!(error instanceof EgressFailed) || error.exitCode === 69) return error;
  if (error.status !== 401 && error.status !== 403 && error.status !== 404) return error;
  const why =
    credential === undefined
      ? `it does not exist, or is private and needs a token (${tokenHint})`
      : `it does not exist, or the token is not valid any more or may not read it (${tokenHint})`;
  return new SourceUnreadable(`${error.message}: ${why}`, { cause: error });
}

function listIn(json: unknown, key: string | undefined): unknown {
  return key !== undefined && typeof json === "object" && json !== null && key in json
    ? (json as Record<string, unknown>)[key]
    : json;
}

function parseJson(body: Uint8Array, url: string): unknown {
  try {
    return parseBoundedJson(new TextDecoder().decode(body), JSON_VALUES_MAX);
  } catch (error) {
    if (error instanceof SourceUnreadable) throw error;
    throw new SourceUnreadable(`${url} did not answer with JSON`, { cause: error });
  }
}

/** One issue is enough to refuse an answer; an answer made for it has a million. */
function parseAs<T>(
  schema: v.GenericSchema<unknown, T>,
  json: unknown,
  { url, pageMax }: { url: string; pageMax: number },
): T[] {
  const entries = Array.isArray(json) ? json.slice(0, pageMax) : json;
  const result = v.safeParse(v.array(schema), entries, { abortEarly: true });
  if (result.success) return result.output;
  const issue = result.issues[0];
  throw new SourceUnreadable(
    `${url} answered something else than expected, at ${v.getDotPath(issue) ?? "the top"}: ${issue.message}`,
  );
}
