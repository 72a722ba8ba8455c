/** One thing that is wrong. It keeps its key for as long as it lasts, so that it is told of once. */
export interface Finding {
  event: "heartbeat_late" | "no_output";
  title: string;
  message: string;
  key: string;
}
