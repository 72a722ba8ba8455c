import { statedNames } from "../../ops/read-config.ts";
import { defineCommand, UsageError } from "../command.ts";
import { COMPLETION_SCRIPTS, completions } from "../completion.ts";
import { printLines } from "../output.ts";

export default defineCommand({
  args: {
    shell: {
      type: "positional",
      options: ["bash", "zsh", "fish", "jobs", "words"],
      description: "bash, zsh or fish; or what the scripts ask for: jobs, the names of the jobs, and words",
    },
    words: {
      type: "positional",
      isList: true,
      required: false,
      description: "With words: the command line as far as it is typed, after --",
    },
  },
  async run({ args: { shell, words, config }, program }) {
    if (shell !== "words" && words.length > 0) throw new UsageError(`Unexpected argument "${words[0]}".`);
    if (shell === "jobs") printLines(statedNames({ config }, "jobs"));
    else if (shell === "words") printLines(await completions(program, words));
    else process.stdout.write(COMPLETION_SCRIPTS[shell as keyof typeof COMPLETION_SCRIPTS](program.name));
  },
});
