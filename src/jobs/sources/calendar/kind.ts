import type { SourceKind } from "../source-kind.ts";
import { type CalendarSource, calendarAddress, calendarLabel, calendarSettings } from "./settings.ts";

/** Calendars in ICS files. */
export const calendarKind: SourceKind<CalendarSource> = {
  key: "calendar",
  settings: calendarSettings,
  label: calendarLabel,
  id: ({ calendar }) => `calendar ${calendar}`,
  hosts(source) {
    const address = calendarAddress(source);
    return address === null ? [] : [URL.parse(address)?.hostname ?? "the host of the calendar"];
  },
  paths: (source) => (calendarAddress(source) === null ? [{ path: source.calendar, isFolder: false }] : []),
  collect: async (source, context) => await (await import("./calendar.ts")).collectCalendar(source, context),
};
