#!/usr/bin/env node
/** The oldest Node that the packages below run on; package.json says the same. */
const NODE_OLDEST = [22, 22] as const;

// Without a listener SIGUSR1 opens Node's inspector on loopback, through which any program of this machine could run its code
// here, past every gate.
process.on("SIGUSR1", () => undefined);

if (isNodeTooOld(process.versions.node)) {
  // Nothing else is loaded before this line: the packages would fail first, with a message that explains nothing.
  process.stderr.write(
    `afk needs Node ${NODE_OLDEST.join(".")} or newer; this is Node ${process.versions.node} (${process.execPath}).\n`,
  );
  process.exitCode = 1;
} else {
  // A process that ends before `finish` has failed. CommonJS, which the bundle is, cannot await here.
  process.exitCode = 1;
  void main();
}

function isNodeTooOld(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major < NODE_OLDEST[0] || (major === NODE_OLDEST[0] && minor < NODE_OLDEST[1]);
}

async function main(): Promise<void> {
  const [{ finish, runCli }, { tolerateLostOutput }, { COMMANDS }, { default: manifest }] = await Promise.all(
    [
      import("./run.ts"),
      import("./output.ts"),
      import("./table.ts"),
      import("../../package.json", { with: { type: "json" } }),
    ],
  );
  tolerateLostOutput();
  await finish(
    await runCli({ name: "afk", version: manifest.version, commands: COMMANDS }, process.argv.slice(2)),
  );
}
