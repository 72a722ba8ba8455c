import * as v from "valibot";
import type { ConfigIssue } from "../../../config/errors.ts";
import { list, text } from "../../../config/fields.ts";
import { isLoopbackHost } from "../../../config/hosts.ts";
import { sourceEntries } from "../source-entries.ts";

/** The keys that GitLab and Forgejo have in common; `events` are theirs. */
export function forgeEntries<const Events extends readonly [string, ...string[]]>(events: Events) {
  const write = `write a list of ${events.slice(0, -1).join(", ")} and ${events.at(-1)}, for example [${events[0]}]`;
  return {
    events: v.optional(
      list("What to read of the repository.", write, v.picklist(events, write), events.length),
      [events[0]] as Events[number][],
    ),
    token: v.optional(
      text(
        "A token, for private repositories.",
        "write a token as a text; better the name of a variable of the environment, as docs/sources.md shows",
        /^[\x21-\x7e]+$/,
        500,
      ),
    ),
    ...sourceEntries,
  };
}

/** An issue for a token that would go over the network as it is. */
export function openTokenIssues(
  key: string,
  address: string | undefined,
  token: string | undefined,
): ConfigIssue[] {
  const found = token === undefined || address === undefined ? null : URL.parse(address);
  if (found === null || found.protocol === "https:" || isLoopbackHost(found.hostname)) return [];
  return [
    {
      path: key,
      message: "is not encrypted, and the token would go over the network as it is; write https://",
    },
  ];
}

/** Without slashes at its end. */
export function plainUrl(address: string): string {
  return address.replace(/\/+$/, "");
}
