/** Failures in words a person can act on. @module */
import { candidatesOf, hostAndPort } from "./diagnose/checks.ts";
import { RefusedError, UnreachableError } from "./exchange.ts";

/** Why the browser gives no camera to this page at all; `undefined` when it would. */
export function whyNoDevices(): string | undefined {
  if (navigator.mediaDevices !== undefined) return undefined;
  if (!isSecureContext) {
    const port = location.port === "" ? "" : `:${location.port}`;
    return (
      `Browsers give cameras and screens only to pages that came by HTTPS or from localhost. ` +
      `Open this page by https://, or on the server itself by http://localhost${port}${location.pathname}; ` +
      `for a test, Chromium takes --unsafely-treat-insecure-origin-as-secure=${location.origin}. ` +
      `The test picture works here too.`
    );
  }
  return "This browser has no access to cameras (navigator.mediaDevices is missing).";
}

export function inWords(error: unknown): string {
  if (error instanceof RefusedError) return refused(error);
  if (error instanceof UnreachableError) return error.message;
  if (error instanceof DOMException) return device(error);
  return error instanceof Error ? error.message : String(error);
}

function refused({ status, message }: RefusedError): string {
  const said = `The server refused (${status}): ${message}`;
  const advice = ADVICE[status];
  return advice === undefined ? said : `${said.replace(/\.?$/, ".")} ${advice}`;
}

const ADVICE: Partial<Record<number, string>> = {
  401: "Add token=... to the address of this page.",
  403: "Add token=... to the address of this page.",
  409: "Choose another name, or end the other one.",
  429: "Try again in a while.",
  503: "Try again in a while.",
};

function device(error: DOMException): string {
  switch (error.name) {
    case "NotAllowedError":
      return "The browser was not allowed to use the camera, microphone or screen. Allow it beside the address bar, then publish again.";
    case "NotFoundError":
      return "No camera or microphone was found. Connect one, or choose another source.";
    case "NotReadableError":
      return "The camera or microphone is in use by another program, or its driver failed.";
    case "OverconstrainedError":
      return "The chosen camera or microphone is not there any more. Choose another one.";
    default:
      return `${error.name}: ${error.message}`;
  }
}

/** ICE or DTLS did not get through: names what the server's answer offered to connect to. */
export function noConnection(answer: string): string {
  const places = new Map<string, string[]>();
  for (const { transport, address, port } of candidatesOf(answer)) {
    const place = hostAndPort(address, port);
    places.set(place, [...(places.get(place) ?? []), transport.toUpperCase()]);
  }
  const list = [...places].map(([place, by]) => `${by.join(" and ")} ${place}`).join(", ");
  if (list === "") return "No media connection: the server's answer names no address.";
  return (
    `No media connection to ${list}. This browser must be able to reach that address and port: ` +
    `if it is not the server's public one, start the server with CANDIDATE=ADDRESS or add eip=ADDRESS to this page's address; ` +
    `else a firewall is in the way.`
  );
}
