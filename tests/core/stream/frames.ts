/** What a viewer must be sent: whole frames, and no gap in his numbers. @module */
import assert from "node:assert/strict";
import { partOf, VIDEO_SSRC, type Viewer } from "./fixture.ts";

export function assertWholeFrames(viewer: Viewer): void {
  const parts = viewer.of(VIDEO_SSRC).map((one) => partOf(one.payload));
  let last = -1;
  for (let i = 0; i < parts.length; ) {
    const head = parts[i]!;
    if (head.frame !== last + 1 && last >= 0) assert.ok(head.key, `frame ${head.frame} resumes`);
    for (let part = 0; part < head.parts; part++, i++) {
      if (i === parts.length) return;
      assert.deepEqual(parts[i], { ...head, part }, "a frame is whole");
    }
    last = head.frame;
  }
}

export function assertContiguous(viewer: Viewer, ssrc: number): void {
  const seen = viewer.of(ssrc);
  for (let i = 1; i < seen.length; i++) {
    const before = seen[i - 1]!.header.sequenceNumber;
    assert.equal(seen[i]!.header.sequenceNumber, (before + 1) & 0xffff);
  }
}
