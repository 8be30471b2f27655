import type { Format, MediaKind } from "../media/mod.ts";
import type { Publisher } from "./publisher.ts";
import type { Stream } from "./stream.ts";
import type { Subscriber } from "./subscriber.ts";
import type { ViewerState } from "./viewer_track.ts";

/** What the owner of a hub should know. */
export type HubEvent =
  /** The publisher's first media came. */
  | { readonly type: "published"; readonly stream: Stream; readonly publisher: Publisher }
  /** The publisher that had sent media is gone, or was replaced. */
  | { readonly type: "unpublished"; readonly stream: Stream; readonly publisher: Publisher }
  /** Another session of the same client took the stream over: end this one's session. */
  | { readonly type: "publisher-replaced"; readonly stream: Stream; readonly publisher: Publisher }
  /** A track has begun, or sends another format now. */
  | {
      readonly type: "format";
      readonly stream: Stream;
      readonly kind: MediaKind;
      readonly format: Format;
    }
  /** Ask the publisher for a keyframe of `ssrc` (PLI). */
  | {
      readonly type: "keyframe-request";
      readonly stream: Stream;
      readonly publisher: Publisher;
      readonly ssrc: number;
    }
  /** A viewer's track changed its state. `live` is what the publisher sends. */
  | {
      readonly type: "viewer-state";
      readonly stream: Stream;
      readonly subscriber: Subscriber;
      readonly kind: MediaKind;
      readonly state: ViewerState;
      readonly live: Format | undefined;
    }
  /** A viewer is behind and makes no progress: close his session. Once. */
  | { readonly type: "viewer-stalled"; readonly stream: Stream; readonly subscriber: Subscriber };

/** Where streams leave their events. */
export type EventSink = (event: HubEvent) => void;
