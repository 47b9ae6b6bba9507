/**
 * Dates of the proleptic Gregorian calendar, as a clock chip counts them: MC146818A data sheet, "Time, Calendar, and Alarm
 * Locations".
 */

export interface CalendarTime {
  second: number;
  minute: number;
  hour: number;
  day: number;
  /** 1 for January. */
  month: number;
  year: number;
}

const DAY = 86_400;
const ERA_DAYS = 146_097;

/** Days since 1 January 1970. Fields beyond their range count on, as 31 February does. */
export function daysOf({ day, month, year }: Pick<CalendarTime, "day" | "month" | "year">): number {
  const months = month - 3;
  const shifted = year + Math.floor(months / 12);
  const monthOfYear = months - 12 * Math.floor(months / 12);
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - 400 * era;
  const dayOfYear = Math.floor((153 * monthOfYear + 2) / 5) + day - 1;
  const dayOfEra = 365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100);
  return ERA_DAYS * era + dayOfEra + dayOfYear - 719_468;
}

/** Seconds since the start of 1970. */
export function secondsOf(time: CalendarTime): number {
  return daysOf(time) * DAY + time.hour * 3600 + time.minute * 60 + time.second;
}

export function calendarOf(seconds: number): CalendarTime {
  const days = Math.floor(seconds / DAY);
  const rest = seconds - days * DAY;
  const shifted = days + 719_468;
  const era = Math.floor(shifted / ERA_DAYS);
  const dayOfEra = shifted - era * ERA_DAYS;
  const leaps =
    Math.floor(dayOfEra / 1460) - Math.floor(dayOfEra / 36_524) + Math.floor(dayOfEra / 146_096);
  const yearOfEra = Math.floor((dayOfEra - leaps) / 365);
  const yearStart = 365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100);
  const dayOfYear = dayOfEra - yearStart;
  const monthOfYear = Math.floor((5 * dayOfYear + 2) / 153);
  const month = monthOfYear < 10 ? monthOfYear + 3 : monthOfYear - 9;
  return {
    second: rest % 60,
    minute: Math.floor(rest / 60) % 60,
    hour: Math.floor(rest / 3600),
    day: dayOfYear - Math.floor((153 * monthOfYear + 2) / 5) + 1,
    month,
    year: yearOfEra + 400 * era + (month <= 2 ? 1 : 0),
  };
}

/** 1 for Sunday. */
export function weekdayOf(seconds: number): number {
  const days = Math.floor(seconds / DAY) + 4;
  return days - 7 * Math.floor(days / 7) + 1;
}
