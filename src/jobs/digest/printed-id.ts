import { hash } from "node:crypto";

const LETTERS = "0123456789abcdefghjkmnpqrstvwxyz";
const LENGTH = 6;

/** What people type to mean an item of a job's digest: the same for the same item, without letters that look alike. */
export function printedId(job: string, key: string): string {
  const bytes = hash("sha256", `${job}\n${key}`, "buffer");
  return Array.from({ length: LENGTH }, (_, index) => LETTERS[(bytes[index] ?? 0) % LETTERS.length]).join("");
}
