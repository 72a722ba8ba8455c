import { errorIn } from "./server-words.ts";

/** An answer other than 2xx; `said` is its body as parsed JSON, undefined where it is none. */
export interface Answer {
  status: number;
  said: unknown;
}

/** Where it came from. `isFree`: the price of the model is 0. */
export interface Server {
  url: URL;
  isFree?: boolean;
}

/** OpenAI's own API, which has its own rules: not a server that speaks like it, nor one whose name begins or ends like its. */
export function isOpenaiItself(url: URL): boolean {
  return url.protocol === "https:" && url.host === "api.openai.com";
}

export function isAnthropicItself(url: URL): boolean {
  return url.protocol === "https:" && url.host === "api.anthropic.com";
}

/**
 * Which answers certainly cost nothing, and why that is known. All others may have been billed: Azure bills a 400 of its content
 * filter (https://learn.microsoft.com/azure/ai-foundry/openai/concepts/content-filter), a 402, 408 or 409 says nothing of
 * work that was done, and a 502, a 504 or a 5xx without the provider's own error comes from something in between.
 */
const UNBILLED: {
  statuses: (status: number) => boolean;
  from: (answer: Answer, server: Server) => boolean;
}[] = [
  // Rejected before any model has seen it (RFC 9110, sections 15.5.2 to 15.5.5; RFC 6585, section 4).
  { statuses: (status) => [401, 403, 404, 429].includes(status), from: () => true },
  // A request refused for what it is, or a failure that they admit, is not charged by these two, who bill what was generated
  // (https://platform.openai.com/docs/guides/error-codes, https://platform.claude.com/docs/en/api/errors); and what runs at a
  // price of 0 cannot be.
  {
    statuses: (status) =>
      [400, 413, 422].includes(status) || (status >= 500 && status !== 502 && status !== 504),
    from: ({ said }, { url, isFree }) =>
      errorIn(said) !== null && (isFree === true || isOpenaiItself(url) || isAnthropicItself(url)),
  },
];

/** Whether an answer certainly cost nothing. (Nothing was sent is the other such case; failures.ts sees it.) */
export function isUnbilled(answer: Answer, server: Server): boolean {
  return UNBILLED.some(({ statuses, from }) => statuses(answer.status) && from(answer, server));
}
