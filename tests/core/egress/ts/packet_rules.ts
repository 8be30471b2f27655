/** Rules of ISO/IEC 13818-1 for a transport stream: what its packets break, in words. @module */
import { crc32Mpeg } from "../../../../core/wire/mpegts/mod.ts";

export interface ReadPes {
  readonly pid: number;
  readonly streamId: number;
  readonly pts: number;
  readonly dts: number;
  readonly randomAccess: boolean;
  readonly pcr: number | undefined;
  readonly payload: Buffer;
}

export interface ReadTs {
  /** In order of their beginnings. */
  readonly packets: readonly ReadPes[];
  /** Types of streams by PID, of the last PMT. */
  readonly types: ReadonlyMap<number, number>;
  readonly version: number;
  /** Every PCR, and of every PAT the PCR before it, in order. */
  readonly clocks: readonly number[];
  readonly tables: readonly number[];
  /** PIDs of packets with discontinuity_indicator. */
  readonly discontinuities: readonly number[];
  readonly broken: readonly string[];
}

type Rule = (kept: boolean, words: string) => void;

interface Open {
  readonly head: Omit<ReadPes, "payload" | "streamId" | "pts" | "dts">;
  readonly pieces: Buffer[];
}

/** `counters` carries continuity_counter from one piece of a stream to the next. */
export function readTs(bytes: Uint8Array, counters: Map<number, number> = new Map()): ReadTs {
  const reader = new Reader(counters);
  const data = Buffer.from(bytes);
  reader.rule(data.length > 0 && data.length % 188 === 0, "§2.4.3.2 packets of 188 bytes");
  for (let at = 0; at + 188 <= data.length; at += 188) reader.put(data.subarray(at, at + 188));
  reader.end();
  return reader;
}

class Reader implements ReadTs {
  readonly packets: ReadPes[] = [];
  readonly types = new Map<number, number>();
  readonly clocks: number[] = [];
  readonly tables: number[] = [];
  readonly discontinuities: number[] = [];
  readonly broken: string[] = [];
  version = -1;
  readonly #open = new Map<number, Open>();
  readonly #counters: Map<number, number>;
  #pmtPid = -1;
  #pcrPid = -1;

  constructor(counters: Map<number, number>) {
    this.#counters = counters;
  }

  readonly rule: Rule = (kept, words) => {
    if (!kept) this.broken.push(words);
  };

  put(packet: Buffer): void {
    const { rule } = this;
    rule(packet[0] === 0x47, "§2.4.3.3 sync_byte");
    const start = ((packet[1] ?? 0) & 0x40) !== 0;
    const pid = packet.readUInt16BE(1) & 0x1fff;
    const counter = (packet[3] ?? 0) & 15;
    const { body, pcr, randomAccess, discontinuity } = readField(packet, rule);
    const payload = packet.subarray(body);
    // Packets without a payload do not count.
    const step = payload.length > 0 ? 1 : 0;
    const before = this.#counters.get(pid);
    rule(
      before === undefined || discontinuity || counter === ((before + step) & 15),
      `continuity_counter of ${pid}`,
    );
    this.#counters.set(pid, counter);
    if (discontinuity) {
      this.discontinuities.push(pid);
      // §2.4.3.5: counters of the PCR's PID may jump with the PCR alone.
      rule(pid !== this.#pcrPid || pcr !== undefined, "discontinuity_indicator without a PCR");
      this.#close(pid);
    }
    if (pcr !== undefined) this.clocks.push(pcr);
    if (payload.length === 0) {
      rule(!start, "payload_unit_start_indicator without a payload");
      return;
    }
    if (pid === 0 || pid === this.#pmtPid) {
      rule(start, "payload_unit_start_indicator of a section");
      this.#section(pid, payload);
      return;
    }
    rule(this.types.has(pid), `PID ${pid} is in the PMT before it is used`);
    rule(pcr === undefined || pid === this.#pcrPid, "PCR_PID");
    if (start) {
      this.#close(pid);
      this.#open.set(pid, { head: { pid, randomAccess, pcr }, pieces: [payload] });
    } else {
      rule(this.#open.has(pid), `payload_unit_start_indicator of ${pid}`);
      this.#open.get(pid)?.pieces.push(payload);
    }
  }

  end(): void {
    for (const pid of [...this.#open.keys()]) this.#close(pid);
  }

  #section(pid: number, payload: Buffer): void {
    const section = payload.subarray(1, 4 + (payload.readUInt16BE(2) & 0xfff));
    this.rule(payload[0] === 0, "pointer_field");
    this.rule(crc32Mpeg(section) === 0, `CRC_32 of ${pid}`);
    if (pid === 0) {
      this.tables.push(this.clocks.at(-1) ?? Number.NaN);
      this.#pmtPid = section.readUInt16BE(10) & 0x1fff;
      return;
    }
    this.version = ((section[5] ?? 0) >> 1) & 31;
    this.#pcrPid = section.readUInt16BE(8) & 0x1fff;
    this.types.clear();
    for (let i = 12; i + 4 < section.length - 4; i += 5)
      this.types.set(section.readUInt16BE(i + 1) & 0x1fff, section[i] ?? 0);
  }

  #close(pid: number): void {
    const one = this.#open.get(pid);
    this.#open.delete(pid);
    if (one !== undefined) this.packets.push(readPes(one, this.rule));
  }
}

interface ReadField {
  readonly body: number;
  readonly pcr: number | undefined;
  readonly randomAccess: boolean;
  readonly discontinuity: boolean;
}

/** The adaptation field of a packet, and where its payload begins. */
function readField(packet: Buffer, rule: Rule): ReadField {
  const control = ((packet[3] ?? 0) >> 4) & 3;
  rule(control !== 0, "adaptation_field_control");
  if ((control & 2) === 0)
    return { body: 4, pcr: undefined, randomAccess: false, discontinuity: false };
  const length = packet[4] ?? 0;
  rule(control === 2 ? length === 183 : length <= 182, `adaptation_field_length ${length}`);
  const flags = length > 0 ? (packet[5] ?? 0) : 0;
  const withPcr = (flags & 0x10) !== 0;
  const pcr = withPcr ? packet.readUInt32BE(6) * 2 + ((packet[10] ?? 0) >> 7) : undefined;
  const stuffing = packet.subarray(length > 0 ? 6 + (withPcr ? 6 : 0) : 5, 5 + length);
  rule(
    stuffing.every((byte) => byte === 0xff),
    "§2.4.3.5 stuffing_byte",
  );
  const [discontinuity, randomAccess] = [(flags & 0x80) !== 0, (flags & 0x40) !== 0];
  return { body: 5 + length, pcr, randomAccess, discontinuity };
}

/** What a whole stream breaks by itself: it begins with tables and a PCR. */
export function brokenPackets(
  bytes: Uint8Array,
  counters: Map<number, number> = new Map(),
): string[] {
  const { packets, types, broken } = readTs(bytes, counters);
  const more: string[] = [];
  const last = new Map<number, number>();
  for (const { pid, dts, pcr } of packets) {
    if (dts < (last.get(pid) ?? Number.NEGATIVE_INFINITY)) more.push(`DTS of ${pid} goes back`);
    if (pcr !== undefined && pcr > dts) more.push(`PCR behind DTS of ${pid}`);
    last.set(pid, dts);
  }
  if (types.size === 0) more.push("no PMT");
  if (!packets.some(({ pcr }) => pcr !== undefined)) more.push("no PCR");
  return [...broken, ...more];
}

/** In 90 kHz: PCRs every 100 ms (ISO/IEC 13818-1 §2.7.2), tables every 500 ms (ETSI TR 101 290 §5.2.1). */
const MOST = { PCR: 9000, PAT: 45_000 } as const;

/** What a live stream breaks, from its first byte on: also how often tables and PCRs come. */
export function brokenTimes(bytes: Uint8Array): string[] {
  const { clocks, tables } = readTs(bytes);
  const more: string[] = [];
  for (const [name, times] of [
    ["PCR", clocks],
    ["PAT", tables.slice(1)],
  ] as const) {
    for (const [i, at] of times.entries()) {
      const since = at - (times[i - 1] ?? at);
      if (since > MOST[name] || since < 0) more.push(`${since / 90} ms from ${name} to ${name}`);
    }
  }
  if (bytes[1] !== 0x40 || bytes[2] !== 0) more.push("does not begin with PAT");
  return [...brokenPackets(bytes), ...more];
}

function readPes({ head, pieces }: Open, rule: Rule): ReadPes {
  const all = Buffer.concat(pieces);
  rule(all.readUIntBE(0, 3) === 1, "packet_start_code_prefix");
  const length = all.readUInt16BE(4);
  rule(length === 0 || length === all.length - 6, `PES_packet_length ${length} of ${all.length}`);
  const streamId = all[3] ?? 0;
  rule(length > 0 || streamId >= 0xe0, "PES_packet_length 0 is for pictures");
  const flags = (all[7] ?? 0) >> 6;
  const time = (at: number): number => {
    rule(((all[at] ?? 0) & 1) === 1 && ((all[at + 2] ?? 0) & 1) === 1, "marker_bit");
    const high = ((all[at] ?? 0) >> 1) & 7;
    return (
      high * 2 ** 30 + (all.readUInt16BE(at + 1) >> 1) * 2 ** 15 + (all.readUInt16BE(at + 3) >> 1)
    );
  };
  const pts = time(9);
  const dts = flags === 3 ? time(14) : pts;
  return { ...head, streamId, pts, dts, payload: all.subarray(9 + (all[8] ?? 0)) };
}
