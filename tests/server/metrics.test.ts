import assert from "node:assert/strict";
import { test } from "node:test";
import { Fault } from "../../core/base/mod.ts";
import { Metrics, serverMetrics } from "../../server/metrics.ts";

test("a counter is 0 from the beginning, one with a label has the values that were counted", () => {
  const metrics = new Metrics();
  metrics.counter("plain_total", "Without a label");
  metrics.counter("labelled_total", "With one", "why");
  metrics.count("labelled_total", "this");
  metrics.count("labelled_total", "that", 5);
  metrics.count("labelled_total", "this");
  assert.equal(
    metrics.render(),
    [
      "# HELP plain_total Without a label",
      "# TYPE plain_total counter",
      "plain_total 0",
      "# HELP labelled_total With one",
      "# TYPE labelled_total counter",
      'labelled_total{why="this"} 2',
      'labelled_total{why="that"} 5',
      "",
    ].join("\n"),
  );
  assert.equal(metrics.value("labelled_total", "that"), 5);
  assert.equal(metrics.value("labelled_total", "never"), 0);
});

test("gauges, and counters kept elsewhere, are read when metrics are asked for", () => {
  const metrics = new Metrics();
  let kept = 1;
  metrics.gauge("now", "How it is", () => kept);
  metrics.counter("kept_total", "Kept elsewhere");
  metrics.follow("kept_total", () => kept * 10);
  kept = 2;
  assert.equal(
    metrics.render(),
    "# HELP now How it is\n# TYPE now gauge\nnow 2\n" +
      "# HELP kept_total Kept elsewhere\n# TYPE kept_total counter\nkept_total 20\n",
  );
  assert.equal(metrics.value("kept_total"), 20);
});

test("what was not declared cannot be counted", () => {
  assert.throws(() => new Metrics().count("unknown_total"), /unknown_total/);
  assert.throws(() => new Metrics().follow("unknown_total", () => 0), /unknown_total/);
});

test("a fault is counted by layer and code", () => {
  const metrics = serverMetrics();
  metrics.fault(new Fault("core/wire/x", "too-long", "RFC 1 §1"));
  assert.match(metrics.render(), /^monoport_faults_total\{fault="core\/wire\/x\/too-long"\} 1$/m);
});

test("the server's metrics are each declared once, with words and a right name", () => {
  const lines = serverMetrics().render().split("\n");
  const names = lines.flatMap((line) => /^# TYPE (\S+) counter$/.exec(line)?.[1] ?? []);
  assert.ok(names.length > 10);
  for (const name of names) assert.match(name, /^monoport_[a-z_]+_total$/);
  for (const line of lines) assert.match(line, /^(# HELP \S+ .{10,}|# TYPE \S+ \w+|\S+ \d+|)$/);
});
