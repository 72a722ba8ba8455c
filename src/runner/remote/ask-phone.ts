import { systemClock } from "../../lib/clock.ts";
import { MINUTE_MS } from "../../lib/durations.ts";
import { messageOf } from "../../lib/errors.ts";
import type { Log } from "../../lib/log.ts";
import type { RemoteQuestions } from "./message.ts";
import type { Transport } from "./transport.ts";

/** After questions that did not get out. */
const RETRY_MS = MINUTE_MS;

/**
 * Sends what people are to be asked to every channel that is read, until `reading` aborts, and then what is left: a tick asks at
 * its end, and the next one may be a day away. `sending` ends that too. A question that one of them took was asked; what all
 * refuse comes again, with another code.
 */
export async function askPhone(
  { transports, questions, log }: { transports: readonly Transport[]; questions: RemoteQuestions; log: Log },
  { reading, sending }: { reading: AbortSignal; sending: AbortSignal },
): Promise<void> {
  let notBefore = 0;
  for (let isLast = false; !isLast; ) {
    isLast = reading.aborted;
    try {
      if (systemClock.uptimeMs() >= notBefore) {
        const isOut = await askOnce();
        if (!isOut) notBefore = systemClock.uptimeMs() + RETRY_MS;
      }
    } catch (error) {
      log.event("error", "remote_unasked", { error: messageOf(error) });
      notBefore = systemClock.uptimeMs() + RETRY_MS;
    }
    await systemClock.idle(reading).catch(() => undefined);
  }

  async function askOnce(): Promise<boolean> {
    let isOut = true;
    for (const question of await questions.next()) {
      const sent = await Promise.all(
        transports.map(async (transport) => {
          try {
            await transport.send(question, sending);
            return true;
          } catch (error) {
            log.event("warn", "remote_unasked", { question: question.id, error: messageOf(error) });
            return false;
          }
        }),
      );
      if (sent.includes(true)) await questions.sent(question.id);
      else isOut = false;
    }
    return isOut;
  }
}
