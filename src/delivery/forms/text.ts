import { headlineOf, type Result } from "../result.ts";
import { bylineWithId, lastLines } from "./blocks.ts";

/** The result as plain text: what an e-mail has beside its HTML, and a file. */
export function plainText(result: Result): string {
  const { report } = result;
  const blocks = [headlineOf(result), report.text, report.counts ?? ""];
  for (const { heading, items } of report.sections) {
    if (heading !== null) blocks.push(`${heading}\n${"-".repeat(Math.min(60, heading.length))}`);
    for (const item of items) {
      const { title, link, text, remark } = item;
      const lines = [title, bylineWithId(item), text, remark === null ? "" : `(${remark})`, link ?? ""];
      blocks.push(lines.filter((line) => line !== "").join("\n"));
    }
  }
  blocks.push(report.notes.map((note) => `- ${note}`).join("\n"), ...lastLines(result));
  if (result.pageUrl !== null) blocks.push(result.pageUrl);
  return `${blocks.filter((block) => block !== "").join("\n\n")}\n`;
}
