import type { EventSink } from "./events.ts";
import type { Stream } from "./stream.ts";
import type { Subscriber } from "./subscriber.ts";

/** Tells the owner about states of a viewer's tracks that changed. */
export function tellStates(stream: Stream, subscriber: Subscriber, emit: EventSink): void {
  for (const viewed of [subscriber.audio, subscriber.video]) {
    if (viewed === undefined || viewed.state === viewed.told) continue;
    viewed.told = viewed.state;
    const { kind, state } = viewed;
    const live = stream.track(kind).format;
    emit({ type: "viewer-state", stream, subscriber, kind, state, live });
  }
}
