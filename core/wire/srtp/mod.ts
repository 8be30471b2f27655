/**
 * SRTP and SRTCP: profiles, key derivation, receiver, sender, and the plain engine for many
 * viewers.
 *
 * @module
 */
export * from "./engine.ts";
export * from "./faults.ts";
export { INDEX_WINDOW } from "./index_window.ts";
export * from "./profile.ts";
export * from "./receiver.ts";
export { SET_ASIDE_MAX } from "./replay_windows.ts";
export * from "./sender.ts";
