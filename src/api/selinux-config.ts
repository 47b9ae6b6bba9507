/** What a configuration of a host may say of SELinux. */

import { fieldsOf } from "../linux/fields.ts";
import { parseContextText } from "../libvirt/security/contexts.ts";
import type { DomainSeclabel } from "../libvirt/security/domain-definition.ts";
import { InputError } from "../sim/assert.ts";
import type { Json } from "../sim/data.ts";

export interface SelinuxConfig {
  /** The name of the image with the policy, binary or CIL. */
  readonly policy: string;
  readonly enforcing: boolean;
  /** Of images with policies that may be loaded later. */
  readonly policies: readonly string[];
  /** Of the image with the labels of files, in CIL; the policy where nothing else is said. */
  readonly fileContexts: string;
  /** By guest; dynamic ones where nothing is said. */
  readonly labels: readonly DomainSeclabel[];
}

const SETTINGS = ["policy", "enforcing", "policies", "fileContexts", "labels"];

/** Null for a host without it. */
export function selinuxOf(given: Json, guests: number): SelinuxConfig | null {
  if (given === null) return null;
  const place = "host: selinux";
  const fields = fieldsOf(given, place, SETTINGS);
  const policy = nameOf(fields["policy"], `${place}: policy`);
  const { policies = [], labels = [], enforcing = true, fileContexts = policy } = fields;
  if (typeof enforcing !== "boolean")
    throw new InputError(`${place}: enforcing is true or false, not ${JSON.stringify(enforcing)}`);
  if (!Array.isArray(policies)) throw new InputError(`${place}: policies is a list of names`);
  if (!Array.isArray(labels) || labels.length > guests)
    throw new InputError(`${place}: labels is a list of the guests' labels`);
  return {
    policy,
    enforcing,
    policies: policies.map((name: Json) => nameOf(name, `${place}: policies`)),
    fileContexts: nameOf(fileContexts, `${place}: fileContexts`),
    labels: labels.map((label: Json, i) => seclabelOf(label, `${place}: label of guest ${i}`)),
  };
}

/** The images that it needs. */
export const policiesOf = (config: SelinuxConfig | null): readonly string[] =>
  config === null ? [] : [config.policy, ...config.policies, config.fileContexts];

function nameOf(given: Json | undefined, place: string): string {
  if (typeof given === "string" && given !== "") return given;
  throw new InputError(`${place}: expected the name of an image, not ${JSON.stringify(given)}`);
}

/** libvirt, docs/formatdomain.rst, Security label. */
function seclabelOf(given: Json, place: string): DomainSeclabel {
  const fields = fieldsOf(given, place, ["type", "label", "baselabel", "relabel"]);
  const { type, label, baselabel, relabel = true } = fields;
  if (typeof relabel !== "boolean")
    throw new InputError(`${place}: relabel is true or false, not ${JSON.stringify(relabel)}`);
  switch (type) {
    case "none":
      return { type };
    case "dynamic":
      return baselabel === undefined
        ? { type }
        : { type, baselabel: contextOf(baselabel, `${place}: baselabel`) };
    case "static":
      return { type, label: contextOf(label, `${place}: label`), relabel };
    default:
      throw new InputError(
        `${place}: type is dynamic, static or none, not ${JSON.stringify(type)}`,
      );
  }
}

function contextOf(given: Json | undefined, place: string): string {
  if (typeof given !== "string") throw new InputError(`${place}: expected a context`);
  parseContextText(given, place);
  return given;
}
