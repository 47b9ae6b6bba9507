import { expect, test } from "vitest";
import type { BoardHost } from "./board.ts";
import { pc } from "./pc.ts";
import { pcAcpi } from "./pc-acpi.ts";

test("INTA# of device 1 is PIRQA#, and each further pin or device the next, as on the PIIX3", () => {
  const { routes = [], picRoutes = [] } = pcAcpi(1).pci ?? {};
  const gsis = (of: typeof routes, device: number): number[] =>
    of.filter((route) => route.device === device).map(({ gsi }) => gsi);
  expect(gsis(routes, 1)).toEqual([16, 17, 18, 19]);
  expect(gsis(routes, 2)).toEqual([17, 18, 19, 16]);
  expect(gsis(picRoutes, 2)).toEqual([10, 11, 11, 10]);
});

test("the tables tell of the places where the board has its parts", () => {
  const host: BoardHost = {
    memory: { read: () => null, write: () => false },
    random: (_, size) => new Uint8Array(size),
    keeperOf: null,
    transmit: () => {},
    balloon: { inflated: () => undefined, deflated: () => undefined },
    print: () => {},
  };
  const board = pc(host, {
    cpus: 3,
    memoryBytes: 2 ** 28,
    bios: null,
    testdev: false,
    peripherals: { disks: [], mac: null, hasConsole: false, hasEntropy: false, hasBalloon: false },
    date: 0,
  });
  const told = pcAcpi(3);
  const portOf = (part: string): number | undefined =>
    board.ports.find((window) => window.part === part)?.at;
  expect(told.apicIds.length).toBe(board.apics.length);
  expect(told.pm).toMatchObject({ event: portOf("pm1"), timer: portOf("pmtimer") });
  expect(told.reset?.port).toBe(portOf("reset"));
  expect(told.serial[0]?.port).toBe(portOf("com1"));
  expect(told.ioapics[0]?.address).toBe(board.memory[0]?.at);
  expect(told.pci?.ecam).toBe(board.pci?.ecamBase);
  const window = board.pci?.windows.memory;
  expect(told.pci?.memory).toEqual([
    { address: window?.from, size: (window?.to ?? 0) - (window?.from ?? 0) },
  ]);
});
