import { expect, test } from "vitest";
import { fastSlot } from "./caches.ts";

test("an access across two pages never finds the second in the place of the first", () => {
  const pages = [0n, 0x7fffn, 0xffffn, 0xff_ffffn, 0xffff_ffffn, 0xf_ffff_ffff_ffffn];
  for (let page = 0n; page < 0x2_0000n; page += 1n) pages.push(page);
  const shared = pages.filter(
    (page) => fastSlot(page << 12n) === fastSlot(BigInt.asUintN(64, (page + 1n) << 12n)),
  );
  expect(shared).toEqual([]);
});
