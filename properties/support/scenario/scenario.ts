/** A scenario: guests that run programs on one host, and what its administrator does meanwhile. It is data, and prints as a script. */

import fc from "fast-check";
import type { Json } from "../../../src/api/index.ts";
import type { GroupFiles } from "../../../src/linux/cgroups/administration.ts";
import { anyProgram, type Kind } from "./any-action.ts";
import { type GuestAction, wordsOf } from "./guest-actions.ts";

export type AdminAction =
  | {
      readonly do: "set limit";
      readonly guest: number;
      readonly file: string;
      readonly text: string;
    }
  | { readonly do: "ksmd"; readonly set: Json }
  | { readonly do: "stop"; readonly guest: number }
  | { readonly do: "cont"; readonly guest: number }
  | { readonly do: "log"; readonly guest: number; readonly on: boolean }
  | { readonly do: "take log"; readonly guest: number }
  /** To where the host was so many cycles ago, at most; it comes here again. */
  | { readonly do: "go back"; readonly cycles: number };

/** Done so many cycles after the one before. */
export interface AdminStep {
  readonly after: number;
  readonly action: AdminAction;
}

export interface Settings {
  readonly vendor: "intel" | "amd";
  readonly board: "pc" | "microvm";
  readonly ksm: Json;
  readonly haltPollNs: number;
  /** Of the first guest's control group. */
  readonly limits: GroupFiles;
}

export interface Schedule {
  readonly cpus: number;
  readonly sliceCycles: number;
}

/** In the order in which what breaks a law is made smaller. */
export interface Scenario {
  readonly programs: readonly (readonly GuestAction[])[];
  readonly admin: readonly AdminStep[];
  readonly schedule: Schedule;
  readonly settings: Settings;
}

const guest = (): fc.Arbitrary<number> => fc.nat(2);

const LIMITS: readonly (readonly [string, string])[] = [
  ["memory.max", "240K"],
  ["memory.max", "500K"],
  ["memory.max", "max"],
  ["memory.high", "200K"],
  ["cpu.max", "2000 5000"],
  ["cpu.max", "max"],
  ["cpu.weight", "9"],
  ["cpu.weight", "900"],
  ["cpuset.cpus", "0"],
];

const ADMIN: { readonly [K in AdminAction["do"]]: () => fc.Arbitrary<AdminAction> } = {
  "set limit": () =>
    fc.tuple(guest(), fc.constantFrom(...LIMITS)).map(([number, [file, text]]) => ({
      do: "set limit" as const,
      guest: number,
      file,
      text,
    })),
  ksmd: () =>
    fc.record({
      do: fc.constant("ksmd" as const),
      set: fc.constantFrom<Json>({ run: true, sleep_millisecs: 1 }, { run: false }),
    }),
  stop: () => fc.record({ do: fc.constant("stop" as const), guest: guest() }),
  cont: () => fc.record({ do: fc.constant("cont" as const), guest: guest() }),
  log: () => fc.record({ do: fc.constant("log" as const), guest: guest(), on: fc.boolean() }),
  "take log": () => fc.record({ do: fc.constant("take log" as const), guest: guest() }),
  "go back": () =>
    fc.record({
      do: fc.constant("go back" as const),
      cycles: fc.integer({ min: 1, max: 300_000 }),
    }),
};

export type AdminKind = AdminAction["do"];
export const ADMIN_KINDS = Object.keys(ADMIN) as readonly AdminKind[];

const anySteps = (kinds: readonly AdminKind[]): fc.Arbitrary<readonly AdminStep[]> =>
  fc.array(
    fc.record({
      // Most programs are short: a boot takes some ten thousand cycles.
      after: fc.oneof(fc.nat(20_000), fc.nat(1_000_000)),
      action: fc.oneof(...kinds.map((kind) => ADMIN[kind]())),
    }),
    { maxLength: 10 },
  );

const KSM: readonly Json[] = [
  null,
  { pages_to_scan: 4096, sleep_millisecs: 1 },
  { pages_to_scan: 64, sleep_millisecs: 1 },
];

const GROUPS: readonly GroupFiles[] = [
  {},
  { "memory.max": "300K" },
  { "memory.max": "600K", "cpu.idle": "1" },
  { "memory.high": "300K", "cpu.weight": "300" },
  { "cpu.max": "3000 10000" },
];

export interface Wanted {
  readonly guests?: number;
  readonly kinds?: readonly Kind[];
  readonly admin?: readonly AdminKind[];
  readonly ksm?: readonly Json[];
}

/** The fields of any scenario, for a law's `forAll`. */
export const anyScenario = (
  wanted: Wanted = {},
): { [K in keyof Scenario]: fc.Arbitrary<Scenario[K]> } => {
  const { guests = 2, kinds, admin = ADMIN_KINDS, ksm = KSM } = wanted;
  return {
    programs: fc.array(anyProgram(kinds), { minLength: 1, maxLength: guests }),
    admin: anySteps(admin),
    schedule: fc.record({
      cpus: fc.integer({ min: 1, max: 2 }),
      sliceCycles: fc.constantFrom(10_000, 700, 1_000_000),
    }),
    settings: fc.record({
      vendor: fc.constantFrom("intel", "amd"),
      board: fc.constantFrom("microvm", "pc"),
      ksm: fc.constantFrom(...ksm),
      haltPollNs: fc.constantFrom(0, 50_000),
      limits: fc.constantFrom(...GROUPS),
    }),
  };
};

/** As a person would write it down. */
export function scriptOf({ programs, admin, schedule, settings }: Scenario): string {
  const { vendor, board, ksm, haltPollNs, limits } = settings;
  const lines = [
    `host: ${vendor}, ${schedule.cpus} CPUs, slices of ${schedule.sliceCycles} cycles, ${board} guests`,
    ...(ksm === null ? [] : [`  ksmd ${JSON.stringify(ksm)}`]),
    ...(haltPollNs === 0 ? [] : [`  halt_poll_ns ${haltPollNs}`]),
    ...Object.entries(limits).map(([file, text]) => `  first guest: ${file} ${text}`),
  ];
  programs.forEach((program, i) => {
    lines.push(`guest ${i}:`, ...program.map((action) => `  ${wordsOf(action)}`));
  });
  if (admin.length > 0) lines.push("administrator:");
  for (const { after, action } of admin) {
    const { do: what, ...rest } = action;
    const fields = Object.entries(rest).map(([name, value]) => `${name} ${JSON.stringify(value)}`);
    lines.push(`  after ${after} cycles: ${[what, ...fields].join(" ")}`);
  }
  return lines.join("\n");
}
