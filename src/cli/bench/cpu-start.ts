/** How long a new process takes to its first guest instruction. */

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import { performance } from "node:perf_hooks";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { figure, type Measurement } from "./figures.ts";

const BAR = { relation: "below", value: 250 } as const;
/** For each second of measuring. */
const PROCESSES = 8;

export const starts: readonly Measurement[] = [
  {
    what: "start: from process start to the first guest instruction",
    measure(seconds) {
      const script = builtScript();
      // Run from sources that were never built.
      if (script === null) return [];
      const samples = Array.from({ length: Math.ceil(PROCESSES * seconds) }, () => once(script));
      return [figure("start: process start to first guest instruction", "ms", samples, BAR)];
    },
  },
];

/** Where the build puts first-instruction.ts, whether this runs from sources or is built itself. */
function builtScript(): string | null {
  let folder = path.dirname(fileURLToPath(import.meta.url));
  while (!existsSync(path.join(folder, "package.json"))) {
    const parent = path.dirname(folder);
    if (parent === folder) return null;
    folder = parent;
  }
  const script = path.join(folder, "dist", "bundle", "first-instruction.js");
  return existsSync(script) ? script : null;
}

/** Milliseconds from just before the process is made. */
function once(script: string): number {
  const started = performance.timeOrigin + performance.now();
  const { stdout } = spawnSync(process.execPath, [script], { encoding: "utf8" });
  return Number(stdout) - started;
}
