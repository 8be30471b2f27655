/**
 * One dictionary of `getStats` (Identifiers for WebRTC's Statistics API, W3C), read by name: what a
 * kind does not have is undefined.
 *
 * @module
 */
export interface RtcStat {
  readonly id: string;
  readonly type: string;
  readonly kind?: string;
  readonly codecId?: string;
  readonly mimeType?: string;
  readonly selectedCandidatePairId?: string;
  readonly localCandidateId?: string;
  readonly remoteCandidateId?: string;
  readonly protocol?: string;
  readonly port?: number;
  /** Bits per second. */
  readonly availableOutgoingBitrate?: number;
  readonly targetBitrate?: number;
  readonly packetsReceived?: number;
  readonly packetsSent?: number;
  readonly packetsLost?: number;
  readonly bytesReceived?: number;
  readonly bytesSent?: number;
  readonly framesDecoded?: number;
  readonly framesEncoded?: number;
  readonly keyFramesDecoded?: number;
  readonly frameWidth?: number;
  readonly freezeCount?: number;
  /** In seconds. */
  readonly totalFreezesDuration?: number;
  readonly totalSamplesReceived?: number;
  readonly concealedSamples?: number;
  readonly nackCount?: number;
  readonly pliCount?: number;
  readonly retransmittedPacketsReceived?: number;
  readonly retransmittedPacketsSent?: number;
}
