import { EXIT } from "../../lib/errors.ts";
import { defineCommand } from "../command.ts";
import { withAgent } from "../open.ts";

export default defineCommand({
  isForPeople: true,
  json: true,
  args: { name: { type: "positional", names: "jobs", description: "The job's name in afk.yaml" } },
  async run({ args: { name, ...args } }) {
    const { wasPaused, isByFile } = await withAgent(args, (agent) => agent.unpause(name));
    const done = wasPaused ? `unpaused ${name}` : `nothing but afk.yaml has paused ${name}`;
    const text = isByFile
      ? [done, `afk.yaml pauses it still: take paused: true of ${name} out of the file`]
      : [wasPaused ? `${done}; it runs at its next time` : `${name} was not paused`];
    return { json: { name, wasPaused, isByFile }, text, exitCode: isByFile ? EXIT.failed : EXIT.ok };
  },
});
