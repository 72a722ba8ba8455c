"use strict";

// Loaded into a measured process: as it ends it writes to descriptor 3 how many kB it had resident at the most.
const { readFileSync, writeSync } = require("node:fs");

process.once("exit", () => writeSync(3, String(mostKilobytes())));

/** On Linux not from getrusage(), which begins with what the parent had when it forked. */
function mostKilobytes() {
  try {
    return Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync("/proc/self/status", "utf8"))[1]);
  } catch {
    return process.resourceUsage().maxRSS;
  }
}
