import { expect, test } from "vitest";
import { pcAcpi } from "./pc-acpi.ts";

test("INTA# of device 1 is PIRQA#, and each further pin or device the next, as on the PIIX3", () => {
  const { routes = [], picRoutes = [] } = pcAcpi(1).pci ?? {};
  const gsis = (of: typeof routes, device: number): number[] =>
    of.filter((route) => route.device === device).map(({ gsi }) => gsi);
  expect(gsis(routes, 1)).toEqual([16, 17, 18, 19]);
  expect(gsis(routes, 2)).toEqual([17, 18, 19, 16]);
  expect(gsis(picRoutes, 2)).toEqual([10, 11, 11, 10]);
});
