import type { buildConnector } from "undici";

/** So that no honest connection meets its bound: four of the largest answers that are read are two thirds of it. */
export const REQUESTS_PER_CONNECTION_MAX = 4;
const CONNECTION_BYTES_MAX = 24 * 1024 * 1024;

/**
 * Hangs up on a server that sends more over one connection than all its answers may hold. Chunk extensions (RFC 9112, section
 * 7.1.1), for one, are no body and counted nowhere else: a server could keep afk reading them until the fetch runs out of time.
 */
export function wireBound(connect: buildConnector.connector): buildConnector.connector {
  return (options, callback) => {
    connect(options, (...[error, socket]: Parameters<buildConnector.Callback>) => {
      if (error !== null) return callback(error, null);
      socket.on("readable", () => {
        if (socket.bytesRead > CONNECTION_BYTES_MAX)
          socket.destroy(
            new Error(`the server sent more than ${CONNECTION_BYTES_MAX} bytes over one connection`),
          );
      });
      callback(null, socket);
    });
  };
}

const INFORMATIONAL_MAX = 20;

/** For one request: throws when informational answers (RFC 9110, section 15.2) come without end, each costly for its few bytes. */
export function boundedInfo(): () => void {
  let answers = 0;
  return () => {
    answers++;
    if (answers > INFORMATIONAL_MAX)
      throw new Error(`the server sent more than ${INFORMATIONAL_MAX} informational answers`);
  };
}
