/**
 * Compares coverage/.report/c8/coverage-summary.json with coverage/floors.json. `--raise` writes higher floors.
 * Run it through `npm run coverage` or `npm run coverage -- --raise`.
 */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import {
  complaints,
  type Floors,
  isTypesOnly,
  perFolder,
  raised,
  type Tally,
  table,
} from "./coverage/floors.ts";

const SUMMARY = "coverage/.report/c8/coverage-summary.json";
const FLOORS = "coverage/floors.json";

function readJson<T>(file: string, otherwise: T): T {
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as T) : otherwise;
}

function hasCode(source: string): boolean {
  const emitted = path.join("dist", source.replace(/\.ts$/, ".js"));
  return !existsSync(emitted) || !isTypesOnly(readFileSync(emitted, "utf8"));
}

const summary = readJson<Record<string, Tally>>(SUMMARY, {});
const files = new Map(
  Object.entries(summary)
    .map(([file, tally]) => [path.relative(process.cwd(), file), tally] as const)
    .filter(([file]) => file.startsWith("src/") && hasCode(file)),
);
const found = perFolder(files);
let floors = readJson<Floors>(FLOORS, {});

if (process.argv.includes("--raise") && found.length > 0) {
  floors = raised(found, floors);
  writeFileSync(FLOORS, `${JSON.stringify(floors, null, 2)}\n`);
}

const broken = complaints(found, floors);
console.log([...table(found, floors), ...broken.map((line) => `below: ${line}`)].join("\n"));
if (broken.length > 0) process.exitCode = 1;
