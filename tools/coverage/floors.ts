/** Coverage per top folder of src/ compared with floors that only rise. Pure: files and arguments are the caller's. */

export const METRICS = ["lines", "branches", "functions"] as const;
export type Metric = (typeof METRICS)[number];

export type Tally = Readonly<Record<Metric, { readonly covered: number; readonly total: number }>>;

/** Percent, whole numbers. */
export type Floors = Readonly<Record<string, Readonly<Record<Metric, number>>>>;

export interface FolderCoverage {
  readonly folder: string;
  readonly files: number;
  /** Percent. Nothing to cover counts as covered. */
  readonly percent: Readonly<Record<Metric, number>>;
}

/** `files` maps paths relative to the repository to their tallies; `src/sim/toy/x.ts` belongs to `src/sim`. */
export function perFolder(files: ReadonlyMap<string, Tally>): readonly FolderCoverage[] {
  const folders = new Map<string, Tally[]>();
  for (const [path, tally] of files) {
    const folder = path.split("/").slice(0, 2).join("/");
    folders.set(folder, [...(folders.get(folder) ?? []), tally]);
  }
  return [...folders]
    .map(([folder, tallies]) => ({
      folder,
      files: tallies.length,
      percent: {
        lines: percentOf(tallies, "lines"),
        branches: percentOf(tallies, "branches"),
        functions: percentOf(tallies, "functions"),
      },
    }))
    .toSorted((a, b) => (a.folder < b.folder ? -1 : 1));
}

/** One line per broken promise; empty when all hold. */
export function complaints(found: readonly FolderCoverage[], floors: Floors): readonly string[] {
  if (found.length === 0) return ["coverage looked at no file at all"];
  const below = found.flatMap(({ folder, percent }) => {
    const floor = floors[folder];
    if (floor === undefined) return [`${folder}: has no floor yet; run with --raise`];
    return METRICS.filter((metric) => percent[metric] < floor[metric]).map(
      (metric) => `${folder}: ${metric} ${percent[metric].toFixed(1)}% < floor ${floor[metric]}%`,
    );
  });
  const gone = Object.keys(floors)
    .filter((folder) => !found.some((coverage) => coverage.folder === folder))
    .map((folder) => `${folder}: has a floor but no covered file`);
  return [...below, ...gone];
}

/** Floors at the whole percent below today's figures, never lower than they were. */
export function raised(found: readonly FolderCoverage[], floors: Floors): Floors {
  const next: Record<string, Record<Metric, number>> = { ...floors };
  for (const { folder, percent } of found) {
    const floor = floors[folder] ?? { lines: 0, branches: 0, functions: 0 };
    next[folder] = {
      lines: Math.max(floor.lines, Math.floor(percent.lines)),
      branches: Math.max(floor.branches, Math.floor(percent.branches)),
      functions: Math.max(floor.functions, Math.floor(percent.functions)),
    };
  }
  return Object.fromEntries(Object.entries(next).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** A module of types only compiles to nothing and is never loaded; it has nothing to cover. */
export function isTypesOnly(emitted: string): boolean {
  const code = emitted
    .replace(/\/\*[\s\S]*?\*\//g, "")
    .replace(/^\s*\/\/.*$/gm, "")
    .trim();
  return code === "" || code === "export {};";
}

export function table(found: readonly FolderCoverage[], floors: Floors): readonly string[] {
  const cell = (folder: FolderCoverage, metric: Metric): string =>
    `${folder.percent[metric].toFixed(1)} (${floors[folder.folder]?.[metric] ?? "-"})`.padStart(14);
  return [
    `${"folder".padEnd(16)}${"files".padStart(6)}${METRICS.map((m) => m.padStart(14)).join("")}   percent (floor)`,
    ...found.map(
      (folder) =>
        folder.folder.padEnd(16) +
        String(folder.files).padStart(6) +
        METRICS.map((metric) => cell(folder, metric)).join(""),
    ),
  ];
}

function percentOf(tallies: readonly Tally[], metric: Metric): number {
  const total = tallies.reduce((sum, tally) => sum + tally[metric].total, 0);
  const covered = tallies.reduce((sum, tally) => sum + tally[metric].covered, 0);
  return total === 0 ? 100 : (100 * covered) / total;
}
