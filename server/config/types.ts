/** How the text of a setting is read. Messages say what is allowed. @module */
import * as v from "valibot";

/** Where to listen; no host means all interfaces. */
export interface Endpoint {
  readonly host?: string;
  readonly port: number;
}

/** One key: how its text is read, its default, and a line for `--help`. */
export interface Setting<Output = unknown> {
  readonly schema: v.GenericSchema<string, Output>;
  readonly absent: string;
  readonly help: string;
}

export function setting<Output>(
  schema: v.GenericSchema<string, Output>,
  absent: string,
  help: string,
): Setting<Output> {
  return { schema, absent, help };
}

type Read<Output> = v.GenericSchema<string, Output>;

/** SRS's booleans; it reads anything else in silence, we refuse it. */
export const onOff: Read<boolean> = v.pipe(
  v.picklist(["on", "off"], "on or off"),
  v.transform((text) => text === "on"),
);

/** Words separated by blanks; none for an empty text. */
export const words: Read<string[]> = v.pipe(
  v.string(),
  v.transform((text) => text.split(/\s+/).filter((word) => word !== "")),
);

/** Words separated by blanks or commas, as addresses are often written. */
export const list: Read<string[]> = v.pipe(
  v.string(),
  v.transform((text) => text.split(/[\s,]+/).filter((word) => word !== "")),
);

export function wholeNumber(least: number, most: number): Read<number> {
  return integer("a whole number", least, most);
}

/** A number of milliseconds. */
export function milliseconds(least: number, most: number): Read<number> {
  return integer("milliseconds", least, most);
}

function integer(what: string, least: number, most: number): Read<number> {
  const message = `${what} from ${least} to ${most}`;
  return v.pipe(
    v.string(),
    v.regex(/^\d{1,9}$/, message),
    v.transform(Number),
    v.minValue(least, message),
    v.maxValue(most, message),
  );
}

/** Seconds in the text, milliseconds in the value. */
export function seconds(least: number, most: number): Read<number> {
  const message = `seconds from ${least} to ${most}`;
  return v.pipe(
    v.string(),
    v.regex(/^\d{1,6}(\.\d{1,3})?$/, message),
    v.transform((text) => Number(text) * 1000),
    v.minValue(least * 1000, message),
    v.maxValue(most * 1000, message),
  );
}

const ENDPOINT_FORM =
  "[host:]port with a port from 0 to 65535, as 8080, 127.0.0.1:8080 or [::1]:8080";

/** `[host:]port`, several separated by blanks. */
export const endpoints: Read<Endpoint[]> = v.pipe(
  words,
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    const read = dataset.value.map(parseEndpoint);
    if (read.every((one) => one !== undefined)) return read;
    addIssue({ message: ENDPOINT_FORM });
    return NEVER;
  }),
);

/** `8080`, `host:8080`, `[::1]:8080`; `undefined` for anything else. */
export function parseEndpoint(text: string): Endpoint | undefined {
  const [, bracketed, plain, digits] =
    /^(?:(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]+)):)?(\d{1,5})$/.exec(text) ?? [];
  const port = digits === undefined ? Number.NaN : Number(digits);
  if (!(port <= 65_535)) return undefined;
  const host = bracketed ?? plain;
  return host === undefined || host === "0.0.0.0" || host === "::"
    ? bindAll(host, port)
    : { host, port };
}

function bindAll(host: string | undefined, port: number): Endpoint {
  return host === "0.0.0.0" ? { host, port } : { port };
}
