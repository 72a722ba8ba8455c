import type { Session } from "./session.ts";

/**
 * Commits. False where the server warned of it, as of a wait for the standby that was cancelled: it is on this server's disk,
 * and maybe on no other.
 */
export async function isCertain(connection: Session): Promise<boolean> {
  let hasWarned = false;
  const onNotice = () => {
    hasWarned = true;
  };
  connection.client.on("notice", onNotice);
  try {
    await connection.commit();
    return !hasWarned;
  } finally {
    connection.client.off("notice", onNotice);
  }
}
