import { fileURLToPath } from "node:url";
import { siblingScript } from "../lib/sibling-script.ts";

/** Path of this program's own entry, for commands that start it again: main.ts beside this file, or the bundle's main.js. */
export const ENTRY: string = fileURLToPath(siblingScript("main", import.meta.url));
