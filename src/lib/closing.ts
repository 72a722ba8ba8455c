/** Hands what was opened to `work`, and closes it whatever happens. */
export async function closing<Opened extends { close(): Promise<void> | void }, T>(
  opened: Opened,
  work: (opened: Opened) => Promise<T>,
): Promise<T> {
  try {
    return await work(opened);
  } finally {
    await opened.close();
  }
}
