/** Headless Chromium with a camera of its own, as the tests of pages and media use it. @module */

import { type Browser, chromium } from "playwright-core";
import { need } from "./tools.ts";

export interface ChromiumOptions {
  /** Gives the fake camera and microphone without asking; default true. */
  readonly grantDevices?: boolean;
  /** More of the command line. */
  readonly args?: readonly string[];
}

export async function launchChromium(options: ChromiumOptions = {}): Promise<Browser> {
  const grant = options.grantDevices ?? true;
  return await chromium.launch({
    executablePath: need("chromium"),
    headless: true,
    args: [
      "--no-sandbox",
      "--autoplay-policy=no-user-gesture-required",
      "--use-fake-device-for-media-stream=fps=30",
      ...(grant ? ["--use-fake-ui-for-media-stream"] : []),
      // Addresses of this machine as they are, in place of names by mDNS.
      "--disable-features=WebRtcHideLocalIpsWithMdns",
      ...(options.args ?? []),
    ],
  });
}
