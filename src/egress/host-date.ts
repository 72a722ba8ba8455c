/**
 * What time a host says it is, to the second, in epoch milliseconds: the Date of its answer to HEAD on its root, whatever
 * else that answer says. Null when it does not answer or states none. No redirect is followed.
 */
export async function readHostDate(origin: string, signal: AbortSignal): Promise<number | null> {
  const { request } = await import("undici");
  try {
    const { headers, body } = await request(origin, { method: "HEAD", signal });
    await body.dump();
    const dateMs = Date.parse(String(headers.date ?? ""));
    return Number.isNaN(dateMs) ? null : dateMs;
  } catch {
    return null;
  }
}
