/** The child's side of child.ts: says that it is ready, waits for the word, sends what `work` gave or its error's code. */
export function onGo(work: () => Promise<unknown>): void {
  process.once("message", async () => {
    process.send?.(await work().catch(failureOf));
  });
  // Without it the process would end with its last listener, and not when the test ends it.
  process.channel?.ref();
  process.send?.("ready");
}

function failureOf(error: unknown): { code: string; message: string } {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return { code, message: error instanceof Error ? error.message : String(error) };
}
