import { MINUTE_MS } from "../lib/durations.ts";
import { messageOf } from "../lib/errors.ts";
import { createConnect } from "./connect.ts";
import { EgressRefused, SendFailed } from "./errors.ts";
import { prepareAppend } from "./imap/prepare-append.ts";
import { askedWaitMs, createRateLimit } from "./rate-limit.ts";
import { createTransport, type EgressOptions } from "./transport.ts";
import {
  HEADER_VALUE,
  type Outgoing,
  type OutgoingRequest,
  SEND_HEADERS,
  type SendRequest,
} from "./types.ts";
import { checkUrl } from "./url.ts";

/** Of an action's request; more is not what a person can judge. */
const BODY_BYTES_MAX = 256 * 1024;

/**
 * The only client for actions that a person approved. Made apart from the egress that jobs get, and imported by
 * agent.ts alone, so that a job that wants it needs an import that a reader sees.
 */
export function createOutgoing(options: EgressOptions): Outgoing & { close(): void } {
  const { config, clock, log } = options;
  const transport = createTransport(options);
  const { timeoutMs } = transport.limits;
  const connect = createConnect(config, options.resolve);
  const rateLimit = createRateLimit(options.db, clock);

  function prepare(text: string, request: SendRequest): OutgoingRequest {
    const url = checkUrl(text, config);
    // The first three are never the action's.
    const headers = {
      "user-agent": transport.userAgent,
      "idempotency-key": request.idempotencyKey,
      ...(request.authorization !== undefined && { authorization: request.authorization }),
      ...callerHeaders(request.headers),
    };
    if (Buffer.byteLength(request.body ?? "") > BODY_BYTES_MAX)
      throw new EgressRefused(`a body of more than ${BODY_BYTES_MAX} bytes is not sent`);
    return { method: request.method, url: url.href, headers, body: request.body };
  }

  async function waitForSlot(url: URL, signal: AbortSignal): Promise<void> {
    try {
      await rateLimit.waitForSlot(url.hostname, MINUTE_MS / config.requestsPerMinute, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
      throw new SendFailed(`nothing was sent to ${url.host}: ${messageOf(signal.reason)}`, {
        mayHaveArrived: false,
        cause: error,
      });
    }
  }

  return {
    prepare,
    async send(text, { signal, ...request }) {
      const { url: href, ...prepared } = prepare(text, request);
      const url = new URL(href);
      await waitForSlot(url, signal);
      const answer = await transport.send(url, { ...prepared, signal, timeoutMs });
      const waitMs = askedWaitMs(answer.status, answer.headers, clock.nowMs());
      if (waitMs !== null) await rateLimit.pushBack(url.hostname, waitMs);
      log.event("debug", "request_sent", { host: url.host, method: request.method, status: answer.status });
      return { status: answer.status };
    },
    prepareAppend,
    async append(access, { signal, ...draft }) {
      // Loaded now: most approvals send a request.
      const { appendDraft } = await import("./imap/append-draft.ts");
      return await appendDraft(access, prepareAppend(access, draft), { connect, signal });
    },
    close: transport.close,
  };
}

function callerHeaders(headers: Record<string, string>): Record<string, string> {
  const entries = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value] as const);
  for (const [name, value] of entries) {
    if (!SEND_HEADERS.some((allowed) => allowed === name)) {
      throw new EgressRefused(
        `the request header ${JSON.stringify(name)} may not be set; an action may set ${SEND_HEADERS.join(", ")}`,
      );
    }
    if (!HEADER_VALUE.test(value))
      throw new EgressRefused(`the value of the request header ${name} is not plain visible text`);
  }
  return Object.fromEntries(entries);
}
