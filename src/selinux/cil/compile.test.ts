import { describe, expect, test } from "vitest";
import { compileCil } from "./compile.ts";

const CLASS = "(class c (p q))\n(classorder (c))\n";

/** A text, and the error that it gets. */
const ERRORS: readonly (readonly [text: string, message: string])[] = [
  ["(type a)\n  (type a)", 'x:2:9: expected a new name, found "a", declared at x:1:7'],
  ["(type 1)", 'x:1:7: expected the name of a type, found "1"'],
  ["(block b (type a))", 'x:1:2: expected a statement of flat CIL, found "block"'],
  ["(type)", "x:1:1: expected (type name)"],
  ["type", 'x:1:1: expected a statement in parentheses, found "type"'],
  ["(type a", 'x:1:1: expected ")" before the end, for this "("'],
  ["(type a))", 'x:1:9: expected a statement, found ")"'],
  ['(type "a\n")', "x:1:7: expected a closing quotation mark on the same line"],
  ["(type ä)", "x:1:7: expected a name, a string or a list, found U+00E4"],
  [`${CLASS}(type a)(allow a b (c (p)))`, 'x:3:18: expected a type, found "b"'],
  [`${CLASS}(type a)(allow a a (c (r)))`, 'x:3:24: expected a permission of class "c", found "r"'],
  ["(class c (all))", 'x:1:11: expected the name of a permission, found "all"'],
  ["(class constructor (p))(class d (p))(classorder (constructor x))", "x:1:62: expected a class"],
  ["(class c (p))", 'x:1:8: expected "c" in a classorder'],
  [
    "(typeattribute a)(typeattribute b)(typeattributeset a b)(typeattributeset b a)",
    "x:1:16: expected a definition that does not lead to itself",
  ],
  [
    "(type a)(type b)(typebounds a b)(typebounds b a)",
    'x:1:7: expected bounds of "a" that do not lead back to it',
  ],
  [
    `${CLASS}(type a)(type b)(typebounds a b)(allow a a (c (p)))(allow b a (c (q)))`,
    'x:3:52: expected no more for "b" than for "a", which bounds it: (a (c (q)))',
  ],
  [
    `${CLASS}(type a)(typetransition a a c a)(type b)(typetransition a a c b)`,
    "x:3:41: expected the same type as another rule gives to source, target and class",
  ],
  [
    `${CLASS}(type a)(allow a a (c (p)))\n(neverallow a self (c (all)))`,
    "x:4:1: expected no rule to allow this, but x:3:9 allows (a a (c (p)))",
  ],
  [
    "(classorder (a b))(classorder (b a))",
    'x:1:14: expected orders that agree, "a" comes before itself',
  ],
];

describe("the compiler for CIL", () => {
  test.each(ERRORS)("refuses %j", (text, message) => {
    expect(() => compileCil(text, "x")).toThrow(message);
  });

  test("refuses what would take too long, and says where", () => {
    const types = Array.from({ length: 2000 }, (_, i) => `(type t${i})`).join("");
    const all = `${CLASS}${types}(typeattribute a)(typeattributeset a (all))`;
    expect(() => compileCil("(".repeat(1_000_000), "x")).toThrow("nest at most 1000 deep");
    expect(() => compileCil(`${all}(typetransition a a c t0)`, "x")).toThrow(/^x:3:.* rules/);
    const chain = Array.from(
      { length: 1000 },
      (_, i) => `(typeattribute a${i})(typeattributeset a${i} a${i + 1})`,
    );
    expect(() => compileCil(`${chain.join("")}(type a1000)`, "x")).toThrow("nest at most 500 deep");
  });
});
