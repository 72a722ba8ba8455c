/** A wish to leave, of a person or of the system. */
interface Interrupt extends Disposable {
  /** Aborts on the first wish. */
  signal: AbortSignal;
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * For commands that go on until they are told to end: Ctrl-C, the end of the terminal, or a reader of standard output
 * that has left, each of which is an ordinary end.
 */
export function untilInterrupted(output: NodeJS.WriteStream = process.stdout): Interrupt {
  const controller = new AbortController();
  const end = () => controller.abort(new Error("interrupted"));
  for (const signal of SIGNALS) process.on(signal, end);
  output.on("close", end).on("error", end);
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      for (const signal of SIGNALS) process.removeListener(signal, end);
      output.removeListener("close", end).removeListener("error", end);
    },
  };
}
