import * as v from "valibot";
import { HEADER_VALUE, SEND_HEADERS } from "../../egress/types.ts";
import type { Action } from "./action.ts";

const METHODS = ["POST", "PUT", "PATCH", "DELETE"] as const;
const BODY_LENGTH_MAX = 64 * 1024;

const WRITE_KEYS = "write url, method, headers, and json or text, and nothing else";
const WRITE_URL = "write a whole address that begins with https:// or http://, at most 2000 characters";
const WRITE_METHOD = `write one of ${METHODS.join(", ")}`;
const WRITE_HEADERS = `write headers with the names ${SEND_HEADERS.join(", ")} and values of plain visible text`;
const WRITE_BODY = `write either json or text, not both, of at most ${BODY_LENGTH_MAX} characters`;

const schema = v.pipe(
  v.strictObject(
    {
      url: v.pipe(
        v.string(WRITE_URL),
        v.maxLength(2_000, WRITE_URL),
        v.regex(/^https?:\/\/[\x21-\x7e]+$/, WRITE_URL),
        v.check(URL.canParse, WRITE_URL),
      ),
      method: v.optional(v.picklist(METHODS, WRITE_METHOD), "POST"),
      headers: v.optional(
        v.record(
          v.picklist(SEND_HEADERS, WRITE_HEADERS),
          v.pipe(v.string(WRITE_HEADERS), v.regex(HEADER_VALUE, WRITE_HEADERS)),
          WRITE_HEADERS,
        ),
        {},
      ),
      /** Any JSON value; it is sent as it is, as application/json. */
      json: v.optional(v.unknown()),
      /** Sent as text/plain unless the headers say another content-type. */
      text: v.optional(v.string(WRITE_BODY)),
    },
    WRITE_KEYS,
  ),
  v.check(
    ({ json, text }) =>
      (json === undefined || text === undefined) &&
      (text ?? JSON.stringify(json) ?? "").length <= BODY_LENGTH_MAX,
    WRITE_BODY,
  ),
  v.check(
    ({ json, headers }) => json === undefined || headers["content-type"] === undefined,
    "leave content-type out with json, which is application/json",
  ),
);

type PostContent = v.InferOutput<typeof schema>;

/** One HTTP request to a host in `egress.allow`. It carries no credentials. */
export const post: Action<PostContent> = {
  action: "post",
  content: schema,
  async run({ url, method, headers, json, text }, tools) {
    const type =
      json !== undefined ? "application/json" : text !== undefined ? "text/plain; charset=utf-8" : null;
    const { status } = await tools.post(url, {
      method,
      headers: { ...(type === null ? {} : { "content-type": type }), ...headers },
      body: json !== undefined ? JSON.stringify(json) : (text ?? null),
    });
    return { summary: `${method} to ${new URL(url).host} was answered with ${status}` };
  },
};
