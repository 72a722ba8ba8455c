#!/usr/bin/env node
// What `npx afk` runs. A Node that is too old for the sources can load this file, and then says so.
import { existsSync } from "node:fs";
import module from "node:module";

const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 22)) {
  process.stderr.write(
    `afk needs Node 22.22 or newer; this is Node ${process.versions.node} (${process.execPath}). ` +
      "In a checkout, npx afk runs on the one that npm ci has brought.\n",
  );
  process.exitCode = 1;
} else {
  // Halves the start of the next command. Where it cannot be written, Node goes on without.
  module.enableCompileCache?.();
  // A checkout has the sources; the published package has the bundle alone.
  const sources = new URL("../src/cli/main.ts", import.meta.url);
  await import(existsSync(sources) ? sources.href : new URL("../dist/main.js", import.meta.url).href);
}
