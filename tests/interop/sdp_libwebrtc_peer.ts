/**
 * A libwebrtc peer in a process of its own, because @roamhq/wrtc crashes when the process ends by
 * itself. `node sdp_libwebrtc_peer.ts sendonly|recvonly`: writes its offer, reads the answer, writes
 * the directions the answer left its transceivers with. All as lines of JSON.
 *
 * @module
 */
import { createInterface } from "node:readline/promises";
import wrtc from "@roamhq/wrtc";

const direction = process.argv[2] === "sendonly" ? "sendonly" : "recvonly";
const pc = new wrtc.RTCPeerConnection({ iceServers: [] });
for (const kind of ["audio", "video"]) pc.addTransceiver(kind, { direction });
await pc.setLocalDescription(await pc.createOffer());
process.stdout.write(`${JSON.stringify(pc.localDescription?.sdp)}\n`);
const sdp: string = JSON.parse(await createInterface(process.stdin).question(""));
await pc.setRemoteDescription({ type: "answer", sdp });
const directions = pc.getTransceivers().map(({ currentDirection }) => currentDirection);
process.stdout.write(`${JSON.stringify(directions)}\n`, () => process.exit(0));
