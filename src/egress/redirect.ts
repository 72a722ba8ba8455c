import { EgressFailed, EgressRefused } from "./errors.ts";
import type { Answer } from "./transport.ts";
import { describeUrl } from "./url.ts";

const REDIRECTS_MAX = 5;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** Whether a status asks to go elsewhere for the same thing. */
export function isRedirect(status: number): boolean {
  return REDIRECTS.has(status);
}

/** More redirects than are followed. */
export class TooManyRedirects extends EgressFailed {}

/**
 * Follows at most five redirects by hand. `check` judges every address before `visit` is asked for it; from https
 * none leads to http.
 * @throws EgressRefused; TooManyRedirects; whatever `visit` throws.
 */
export async function followRedirects<T extends Answer>(
  start: string,
  check: (url: string) => URL,
  visit: (url: URL) => Promise<T>,
): Promise<{ url: URL; answer: T }> {
  let url = check(start);
  for (let redirects = 0; redirects <= REDIRECTS_MAX; redirects++) {
    const answer = await visit(url);
    if (!isRedirect(answer.status)) return { url, answer };
    url = checkTarget(url, answer, check);
  }
  throw new TooManyRedirects(`${describeUrl(check(start))} was redirected more than ${REDIRECTS_MAX} times`);
}

function checkTarget(from: URL, answer: Answer, check: (url: string) => URL): URL {
  const location = answer.headers.location;
  const target = location === undefined ? null : URL.parse(location, from.href);
  if (target === null) {
    throw new EgressFailed(`${describeUrl(from)} answered ${answer.status} without saying where to go`, {
      status: answer.status,
    });
  }
  if (from.protocol === "https:" && target.protocol === "http:") {
    throw new EgressRefused(
      `${describeUrl(from)} redirects to ${describeUrl(target)}, which is not encrypted; it is not followed`,
    );
  }
  try {
    return check(target.href);
  } catch (error) {
    if (!(error instanceof EgressRefused)) throw error;
    throw new EgressRefused(`${describeUrl(from)} redirects elsewhere: ${error.message}`, { cause: error });
  }
}
