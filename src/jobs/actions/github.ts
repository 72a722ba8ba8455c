import * as v from "valibot";
import type { Action, ActionTools } from "./action.ts";
import { referenceSchema } from "./references.ts";

const LIST_MAX = 10;
const BODY_CHARS_MAX = 60_000;

/** Of every request to GitHub's REST API that has a body. */
export const GITHUB_HEADERS = {
  accept: "application/vnd.github+json",
  "content-type": "application/json",
  "x-github-api-version": "2022-11-28",
};

/** A label of GitHub's, with whatever emoji; one text without a line's end or a comma. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused.
export const GITHUB_LABEL: RegExp = /^(?!\s*$)[^\0-\x1f\x7f-\x9f\u2028\u2029,]{1,50}$/;

/** Where: by the API's own number, never by what the item's text says. */
const place = {
  from: referenceSchema,
  api: v.pipe(v.string(), v.regex(/^https?:\/\/[^\s/?#@]+(?:\/[^\s?#]*)?$/, "write the address of the API")),
  repository: v.pipe(
    v.string(),
    v.regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,38}\/(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}$/, "write owner/repository"),
  ),
  number: v.pipe(v.number(), v.integer(), v.minValue(1, "write the number of an issue or pull request")),
};

type Place = v.InferOutput<v.StrictObjectSchema<typeof place, undefined>>;

function names(what: string, pattern: RegExp) {
  const write = `write a list of 1 to ${LIST_MAX} ${what}`;
  return v.pipe(
    v.array(v.pipe(v.string(write), v.regex(pattern, write)), write),
    v.minLength(1, write),
    v.maxLength(LIST_MAX, write),
  );
}

const labelContent = v.strictObject({ ...place, labels: names("labels", GITHUB_LABEL) });
const commentContent = v.strictObject({
  ...place,
  body: v.pipe(
    v.string(),
    v.regex(/\S/, "write a text"),
    v.maxLength(BODY_CHARS_MAX, "write a shorter text"),
  ),
});
const assignContent = v.strictObject({
  ...place,
  assignees: names("user names", /^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,38})$/),
});

/** Puts labels on an issue or pull request; those that it has stay. */
export const githubLabel: Action<v.InferOutput<typeof labelContent>> = {
  action: "github_label",
  content: labelContent,
  run: (content, tools) => send(tools, content, "labels", { labels: content.labels }),
};

/** Writes a comment below an issue or pull request. */
export const githubComment: Action<v.InferOutput<typeof commentContent>> = {
  action: "github_comment",
  content: commentContent,
  run: (content, tools) => send(tools, content, "comments", { body: content.body }),
};

/** Assigns an issue or pull request to people; those who have it keep it. */
export const githubAssign: Action<v.InferOutput<typeof assignContent>> = {
  action: "github_assign",
  content: assignContent,
  run: (content, tools) => send(tools, content, "assignees", { assignees: content.assignees }),
};

/** One request of GitHub's REST API (docs.github.com/rest/issues), with the token of the source that the item came from. */
async function send(
  tools: ActionTools,
  { from, api, repository, number }: Place,
  what: string,
  body: object,
) {
  const { status } = await tools.post(`${api}/repos/${repository}/issues/${number}/${what}`, {
    method: "POST",
    headers: GITHUB_HEADERS,
    body: JSON.stringify(body),
    credentials: from,
  });
  return { summary: `${what} of ${repository}#${number}: answered with ${status}` };
}
