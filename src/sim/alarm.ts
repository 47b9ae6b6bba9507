/** The one event of a component whose next deadline is computed from its state: posted, moved and taken back as that changes. */

import type { Cycles } from "./time.ts";
import type { World } from "./world.ts";

/** Part of the component's registered state. When the event comes, `due` is to be null again. */
export interface AlarmState {
  handle: number;
  due: Cycles | null;
}

export const newAlarm = (): AlarmState => ({ handle: 0, due: null });

/** The event `deadline` of the component comes at that time, or now if that has passed; null for never. */
export function setAlarm(
  world: World,
  target: string,
  state: AlarmState,
  deadline: Cycles | null,
): void {
  if (deadline === state.due) return;
  if (state.due !== null) world.cancel(state.handle);
  state.due = deadline;
  if (deadline !== null)
    state.handle = world.post(Math.max(deadline, world.now), target, "deadline");
}
