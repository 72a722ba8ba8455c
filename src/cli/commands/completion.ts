import { defineCommand } from "../command.ts";
import { completionEntries } from "../completion.ts";
import { printLines } from "../output.ts";
import { bashScript } from "../shells/bash.ts";
import { fishScript } from "../shells/fish.ts";
import { zshScript } from "../shells/zsh.ts";

const SHELLS = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;

export default defineCommand({
  meta: {
    name: "completion",
    description: "Prints a script that completes afk's commands in a shell",
    examples: [
      "source <(afk completion bash)    # in ~/.bashrc",
      "source <(afk completion zsh)     # in ~/.zshrc, after compinit",
      "afk completion fish > ~/.config/fish/completions/afk.fish",
    ],
  },
  args: {
    shell: {
      type: "positional",
      options: ["bash", "zsh", "fish", "jobs"],
      description: "bash, zsh or fish; or jobs, the names of the jobs, which the scripts ask for",
    },
  },
  async run({ args, program }) {
    if (args.shell === "jobs") {
      const { jobNames } = await import("../../ops/job-names.ts");
      printLines(jobNames({ config: args.config }));
      return;
    }
    const shell = args.shell as keyof typeof SHELLS;
    process.stdout.write(SHELLS[shell](program.name, await completionEntries(program.commands)));
  },
});
