/** MPEG-2 transport streams (ISO/IEC 13818-1 = ITU-T H.222.0): packets, tables, PES headers. @module */
export { crc32Mpeg } from "./crc.ts";
export { PACKET_BYTES, packetsOf, putPackets, type TsPayload } from "./packet.ts";
export { encodePesHeader, PES_MAX_LENGTH, PesStreamId, type PesTimes } from "./pes.ts";
export { encodePat, encodePmt, StreamType, type TsProgram, type TsStream } from "./psi.ts";
