import assert from "node:assert/strict";
import { test } from "node:test";
import { OneVisit } from "../../../server/hooks/one_visit.ts";

interface Followed {
  readonly visit: OneVisit;
  readonly told: string[];
  /** Lets the time to begin run out. */
  readonly late: () => void;
}

/** A visitor who was let in, and what is told of him. */
function letIn(action: "publish" | "play"): Followed {
  const told: string[] = [];
  let late = (): void => {};
  const visit = new OneVisit({
    id: "a",
    action,
    leaving: {
      ended: () => told.push("ended"),
      closed: ({ sentBytes, receivedBytes }) => told.push(`closed ${sentBytes} ${receivedBytes}`),
    },
  });
  visit.connected = true;
  visit.entered = true;
  const wakeAt = (_: number, fire: () => void): Disposable => {
    late = fire;
    return {
      [Symbol.dispose]: () => {
        late = () => {};
      },
    };
  };
  visit.await({ now: () => 0, wakeAt }, 1000, () => told.push("began"));
  return { visit, told, late: () => late() };
}

const TRAFFIC = { sentBytes: 1, receivedBytes: 2 };

test("who begins and leaves is told of once, whatever he does twice", () => {
  for (const action of ["publish", "play"] as const) {
    const { visit, told, late } = letIn(action);
    visit.began();
    visit.began();
    late();
    visit.left(TRAFFIC);
    visit.left(TRAFFIC);
    visit.began();
    assert.deepEqual(told, ["began", "ended", "closed 1 2"]);
  }
});

test("who never begins has left when his time is over; he did not publish, and had been let in to play", () => {
  for (const [action, words] of [
    ["publish", ["closed 0 0"]],
    ["play", ["ended", "closed 0 0"]],
  ] as const) {
    const { visit, told, late } = letIn(action);
    late();
    visit.began();
    assert.deepEqual(told, words);
  }
});
