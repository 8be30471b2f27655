/** RTMP on the wire: messages in chunks, and the handshake (RTMP 1.0, Adobe 2012). @module */
export * from "./chunk_reader.ts";
export * from "./chunk_writer.ts";
export * from "./handshake.ts";
export * from "./message.ts";
