/**
 * A value of AMF0. Objects are maps, so that a member called `__proto__` is one like any other;
 * dates are their milliseconds since the Unix epoch.
 */
export type Amf0Value =
  | number
  | boolean
  | string
  | null
  | undefined
  | Amf0Object
  | readonly Amf0Value[];

/** An object, a typed object or an ECMA array; members in order. */
export type Amf0Object = ReadonlyMap<string, Amf0Value>;

/** Type markers (AMF0 §2.1). */
export const Marker = {
  Number: 0x00,
  Boolean: 0x01,
  String: 0x02,
  Object: 0x03,
  Null: 0x05,
  Undefined: 0x06,
  Reference: 0x07,
  EcmaArray: 0x08,
  ObjectEnd: 0x09,
  StrictArray: 0x0a,
  Date: 0x0b,
  LongString: 0x0c,
  Unsupported: 0x0d,
  XmlDocument: 0x0f,
  TypedObject: 0x10,
} as const;

export function isAmf0Object(value: Amf0Value): value is Amf0Object {
  return value instanceof Map;
}
