/** `afk/1.2.0 (+ops@example.org)`: who asks, and where to complain. */
export function userAgentOf(version: string, contact: string | null): string {
  return `afk/${version}${contact === null ? "" : ` (+${contact})`}`.replace(/[^\x20-\x7e]/g, "");
}
