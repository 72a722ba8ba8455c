import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Deployment } from "./deployment.ts";

/** A digest of the deployment's inbox, due at once. The model is asked once an item, and once for the opening. */
export const DIGEST = {
  name: "digest",
  kind: "digest",
  every: "1d",
  timeout: "2m",
  sources: [{ folder: "./inbox", name: "Drill inbox" }],
};

export function fillInbox(deployment: Deployment, count: number): void {
  for (let n = 1; n <= count; n++) {
    const text = `# Drill item ${n}\n\nThe harbour number ${n} is open. Ships may enter.\n`;
    writeFileSync(join(deployment.dir, "inbox", `item-${n}.md`), text);
  }
}
