/** What `kvmsim check` prints about laws: a line, a table, the story of a failure. */

import { casesOf, type Effort, type Law, type LawResult } from "../../properties/support/law.ts";
import type { colorsFor } from "./io.ts";
import { count, grouped, jsonText, seconds, shortened, table } from "./tables.ts";

export interface Checked {
  readonly law: Law;
  readonly result: LawResult;
  readonly milliseconds: number;
}

type Colors = ReturnType<typeof colorsFor>;

const TEXT_LIMIT = 4000;

const holds = ({ result }: Checked): boolean => result.failure === null;

/** For output that nobody watches: one line for each law as it is done. */
export function lineOf(checked: Checked): string {
  const { law, result, milliseconds } = checked;
  const verdict = holds(checked) ? "holds" : "FELL ";
  const cases = count(result.cases, "case");
  return `${verdict}  ${law.place.padEnd(16)} ${law.name}, ${cases}, ${seconds(milliseconds)}\n`;
}

export function summaryTable(all: readonly Checked[], colors: Colors): string {
  const rows = all.map((one) => [
    one.law.place,
    one.law.name,
    grouped(one.result.cases),
    seconds(one.milliseconds),
    holds(one) ? colors.green("holds") : colors.red("FELL"),
  ]);
  return table(["in", "law", "cases", "time", "verdict"], rows, ["left", "left", "right", "right"]);
}

/** Nothing for a law that holds. */
export function failureText(
  { law, result }: Checked,
  effort: Effort,
  command: string,
  colors: Colors,
): string {
  const { failure } = result;
  if (failure === null) return "";
  const { message, counterexample, story, shrinks, seed, path } = failure;
  const indented = (text: string): string =>
    shortened(text, TEXT_LIMIT).replaceAll("\n", "\n          ");
  const lines = [
    "",
    `${colors.red("FELL")} ${colors.bold(law.name)} (${law.place})`,
    `  says    ${law.says}`,
    `  cites   ${law.cites}`,
    `  saw     ${indented(message)}`,
    `  for     ${indented(counterexample)}`,
    ...(story === undefined ? [] : [`  last    ${indented(story)}`]),
    `  found   ${place(seed, path)}, made smaller ${count(shrinks, "time")}`,
    `  repeat  ${command} ${repeatOptions(law, effort, seed, path)}`,
    "",
  ];
  return lines.join("\n");
}

const place = (seed: number, path: string): string =>
  path === "" ? `seed ${seed}` : `seed ${seed}, path ${path}`;

function repeatOptions(
  law: Law,
  { factor, mutants = [] }: Effort,
  seed: number,
  path: string,
): string {
  const options = [`--law ${law.name}`, `--seed ${seed}`];
  options.push(...mutants.map((id) => `--mutant ${id}`));
  if (path !== "") options.push(`--path ${path}`);
  else if (factor !== 1) options.push(`--factor ${factor}`);
  return options.join(" ");
}

export function closingText(
  all: readonly Checked[],
  { seed }: Effort,
  milliseconds: number,
  colors: Colors,
): string {
  const cases = all.reduce((sum, { result }) => sum + result.cases, 0);
  const fell = all.filter((one) => !holds(one)).length;
  const verdict =
    fell === 0
      ? colors.green(all.length === 1 ? "the law holds" : `all ${all.length} laws hold`)
      : colors.red(`${fell} of ${count(all.length, "law")} fell`);
  return `\n${verdict}: ${count(cases, "case")}, seed ${seed}, ${seconds(milliseconds)}\n`;
}

export function listText(laws: readonly Law[], json: boolean): string {
  if (json) return jsonText(laws.map((law) => ({ ...textOf(law), cases: casesOf(law, 1) })));
  const paragraphs = laws.map(
    (law) => `${law.place}  ${law.name}\n    ${law.says}\n    [${law.cites}]\n`,
  );
  return `${paragraphs.join("")}${count(laws.length, "law")}\n`;
}

const textOf = ({ place: folder, name, says, cites }: Law): object => ({
  place: folder,
  name,
  says,
  cites,
});

export function jsonOfCheck(all: readonly Checked[], effort: Effort, milliseconds: number): object {
  return {
    seed: effort.seed,
    factor: effort.factor,
    holds: all.every(holds),
    cases: all.reduce((sum, { result }) => sum + result.cases, 0),
    milliseconds: Math.round(milliseconds),
    laws: all.map((one) => ({
      ...textOf(one.law),
      cases: one.result.cases,
      milliseconds: Math.round(one.milliseconds),
      failure: one.result.failure,
    })),
  };
}
