/**
 * What a publisher is told by RTCP: receiver reports, NACKs and TWCC feedback. Each is pure:
 * packets in, `nextTimeout`, and `poll(now)` until it returns `undefined` for plaintext RTCP out.
 *
 * @module
 */
export * from "./nack_generator.ts";
export * from "./receiver_reports.ts";
export * from "./twcc_feedback.ts";
