/** What may be written to /sys/kernel/mm/ksm: Linux, Documentation/admin-guide/mm/ksm.rst, KSM daemon sysfs interface. */

import { InputError } from "../../sim/assert.ts";
import type { Json } from "../../sim/data.ts";
import { fieldsOf, wholeOf } from "../fields.ts";

export interface KsmSettings {
  readonly run: boolean;
  readonly pages_to_scan: number;
  readonly sleep_millisecs: number;
}

export const KSM_DEFAULTS: KsmSettings = { run: false, pages_to_scan: 100, sleep_millisecs: 20 };

const MOST_PAGES = 2 ** 20;
const MOST_MILLISECONDS = 3_600_000;

/** What is not named stays as `before` says. */
export function ksmOf(given: Json, place: string, before: KsmSettings): KsmSettings {
  const settings = { ...before, ...fieldsOf(given, place, Object.keys(KSM_DEFAULTS)) };
  const { run, pages_to_scan: pages, sleep_millisecs: milliseconds } = settings;
  if (typeof run !== "boolean")
    throw new InputError(`${place}: run is true or false, not ${JSON.stringify(run)}`);
  return {
    run,
    pages_to_scan: wholeOf(pages, `${place}: pages_to_scan`, 1, MOST_PAGES),
    sleep_millisecs: wholeOf(milliseconds, `${place}: sleep_millisecs`, 1, MOST_MILLISECONDS),
  };
}
