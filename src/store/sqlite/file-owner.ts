import { readFileSync, statSync } from "node:fs";
import { userInfo } from "node:os";
import { dirname } from "node:path";

/**
 * The other user whose file it is, or whose the nearest folder above it that can be seen; as a word for people and as
 * sudo takes it. Null where it is this user's own, or this is root.
 */
export function otherOwner(path: string): { name: string; sudo: string; us: string } | null {
  const userId = process.getuid?.();
  for (let seen = path; ; seen = dirname(seen)) {
    try {
      const { uid } = statSync(seen);
      if (userId === undefined || userId === 0 || uid === userId) return null;
      const name = nameOf(uid);
      return { name: name ?? `number ${uid}`, sudo: `-u '${name ?? `#${uid}`}'`, us: userText(userId) };
    } catch {
      if (seen === dirname(seen)) return null;
    }
  }
}

function userText(userId: number): string {
  try {
    return userInfo().username;
  } catch {
    // A container's user need not be in any list.
    return `number ${userId}`;
  }
}

function nameOf(uid: number): string | null {
  try {
    const lines = readFileSync("/etc/passwd", "utf8").split("\n");
    return lines.map((line) => line.split(":")).find((fields) => fields[2] === String(uid))?.[0] ?? null;
  } catch {
    return null;
  }
}
