/** Laws of open files under SELinux: who is asked what, when it is asked again, and what tasks keep. */

import fc from "fast-check";
import {
  anyRule,
  anySteps,
  anyTransitions,
  FileSecurityStory,
} from "../support/file-security-stories.ts";
import { law } from "../support/law.ts";

law("an-open-file-is-asked-about-again-when-a-label-or-the-policy-changed", {
  says: "Whatever tasks do with files, each call is refused exactly when the policy of the moment denies what it needs. A read or write needs nothing while the task's label, the file's label and the policy are as they were when the file was opened; switching enforcing on and off is no change. A program may change a task's label, and files that the new one may not use become the null device. Files that were sent are received up to the first that is refused. A snapshot in the middle changes nothing.",
  cites: "Linux, security/selinux/hooks.c; The SELinux Notebook, Object Classes and Permissions",
  forAll: {
    denied: fc.array(anyRule(), { maxLength: 4 }),
    transitions: anyTransitions(),
    steps: anySteps(),
  },
  runs: 4000,
  holds: ({ denied, transitions, steps }) => {
    const story = new FileSecurityStory(denied, transitions);
    steps.forEach((step, i) => {
      for (const [seen, wanted] of [story.do(step), story.seen()])
        if (seen !== wanted) throw new Error(`step ${i}, ${step.what}: ${seen}, not ${wanted}`);
    });
  },
});
