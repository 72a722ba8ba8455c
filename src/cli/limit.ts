/** `--limit` of every command that lists the newest of what may be many. */
export const LIMIT = {
  type: "number",
  integer: true,
  min: 1,
  max: 10_000,
  default: 50,
  description: "At most so many",
} as const;
