import { exchange } from "../http/exchange.ts";
import { messageOf } from "../lib/errors.ts";

const ANSWER_MS_MAX = 3_000;

/** A gateway that listens at every address of its machine is asked on loopback. */
const EVERY: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" };

/** The address of what listens there, as a program on the same machine writes it. */
export function gatewayUrl({ host, port }: { host: string; port: number }): string {
  const own = EVERY[host] ?? host;
  return `http://${own.includes(":") ? `[${own}]` : own}:${port}`;
}

/** Null when something answers HTTP at a gateway's address, else why not. Asked without a key; it calls no model. */
export async function unansweredAt(url: string, answerMsMax = ANSWER_MS_MAX): Promise<string | null> {
  try {
    await exchange({ url: `${url}/`, method: "HEAD", headers: {} }, AbortSignal.timeout(answerMsMax));
    return null;
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    return messageOf(cause);
  }
}
