/**
 * What an action may add to its request. Nothing here is a credential or changes where the request goes. The rest,
 * User-Agent and Idempotency-Key, is afk's own.
 */
export const SEND_HEADERS = [
  "accept",
  "accept-language",
  "content-type",
  "if-match",
  "prefer",
  "x-github-api-version",
] as const;

/** Visible ASCII and spaces: a value must not be able to begin another header (RFC 9110, section 5.5). */
export const HEADER_VALUE = /^[\x21-\x7e](?:[\x20-\x7e]{0,254}[\x21-\x7e])?$/;
