/** The settings of `/diagnose`. @module */
import { onOff, type Setting, setting, wholeNumber } from "./types.ts";

export interface DiagnoseConfig {
  /** Whether anybody may test his way to this server: the page `/diagnose` and its routes. */
  readonly "diagnose.enabled": boolean;
  /** What one test sends or takes at most, in kbit/s. */
  readonly "diagnose.max_bitrate": number;
  /** Tests under way at a time, over all addresses. */
  readonly "diagnose.max_tests": number;
}

type DiagnoseSettings = { readonly [Key in keyof DiagnoseConfig]: Setting<DiagnoseConfig[Key]> };

export const diagnoseSettings: DiagnoseSettings = {
  "diagnose.enabled": setting(onOff, "on", "serve what the page /diagnose tests with"),
  "diagnose.max_bitrate": setting(
    wholeNumber(100, 100_000),
    "4000",
    "kbit/s that one test sends or takes at most",
  ),
  "diagnose.max_tests": setting(wholeNumber(1, 10_000), "8", "tests at a time, two per address"),
};
