/** Publishes a source by WHIP. @module */
import { codecName, preferCodec, videoCodecs } from "./codecs.ts";
import { Conversation } from "./conversation.ts";
import type { Settings } from "./settings.ts";
import { openSource, type SourceChoice } from "./sources.ts";
import type { Figures } from "./stats.ts";

/** What most players and every output of the server can take comes first. */
const preferred = "h264";

/** Layers of simulcast, the smallest first as browsers want them; their rids as others name them. */
const layers: RTCRtpEncodingParameters[] = [
  { rid: "q", scaleResolutionDownBy: 4, maxBitrate: 200_000 },
  { rid: "h", scaleResolutionDownBy: 2, maxBitrate: 700_000 },
  { rid: "f", scaleResolutionDownBy: 1, maxBitrate: 2_500_000 },
];

export class Publisher extends Conversation {
  protected readonly kind = "whip";
  readonly #preview: HTMLVideoElement;
  readonly #choice: () => SourceChoice;
  #media: MediaStream | undefined;

  constructor(settings: Settings, preview: HTMLVideoElement, choice: () => SourceChoice) {
    super(settings);
    this.#preview = preview;
    this.#choice = choice;
  }

  protected async prepare(pc: RTCPeerConnection): Promise<void> {
    const media = this.#media ?? (await this.#open(pc));
    if (media === undefined) return;
    for (const track of media.getTracks()) {
      const pictures = track.kind === "video";
      const transceiver = pc.addTransceiver(track, {
        direction: "sendonly",
        streams: [media],
        ...(pictures && this.settings.simulcast ? { sendEncodings: layers } : {}),
      });
      if (pictures) this.#chooseCodec(transceiver);
    }
  }

  /** `undefined` when it took so long that nobody wants it any more. */
  async #open(pc: RTCPeerConnection): Promise<MediaStream | undefined> {
    const media = await openSource(this.#choice());
    if (pc.signalingState === "closed") {
      for (const track of media.getTracks()) track.stop();
      return undefined;
    }
    this.#media = media;
    this.#preview.srcObject = media;
    for (const track of media.getTracks()) {
      // The browser's own "stop sharing", or an unplugged camera.
      track.addEventListener("ended", () => {
        if (media === this.#media && media.getTracks().every((one) => one.readyState === "ended")) {
          this.stop();
        }
      });
    }
    return media;
  }

  #chooseCodec(transceiver: RTCRtpTransceiver): void {
    const wanted = codecName(this.settings.codec);
    const possible = videoCodecs("send");
    if (wanted !== "" && !possible.includes(wanted)) {
      const list = possible.join(", ").toUpperCase();
      throw new Error(`This browser cannot send ${wanted.toUpperCase()}; it sends ${list}.`);
    }
    const codec = wanted || preferred;
    if (possible.includes(codec)) preferCodec(transceiver, codec);
  }

  protected connected(): void {
    // It was good for a while: a server that restarts, or a network that is gone, is waited for.
    this.retries = true;
    this.tell("waiting", "Connected, sending the first frames.");
  }

  protected look(figures: Figures, before: Figures | undefined): void {
    if (figures.packets > (before?.packets ?? 0)) {
      const name = `${this.settings.app}/${this.settings.stream}`;
      const held =
        figures.limitation === ""
          ? ""
          : ` The picture is reduced for want of ${figures.limitation}.`;
      this.tell("live", `Publishing ${name}.${held}`);
    }
  }

  protected override ended(again: boolean): void {
    // A person is not asked for the screen twice because UDP does not pass, or the server restarts.
    if (again) return;
    for (const track of this.#media?.getTracks() ?? []) track.stop();
    this.#media = undefined;
    this.#preview.srcObject = null;
  }
}
