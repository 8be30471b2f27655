import type { Files } from "../../core/base/mod.ts";

/** Bytes that are read at a time: all that is kept for who does not take them. */
export const CHUNK_BYTES: number = 256 * 1024;

type Bytes = Uint8Array<ArrayBuffer>;

export interface BodyEvents {
  readonly sent: (bytes: number) => void;
  /** The file is closed. Once. */
  readonly ended: () => void;
}

/**
 * `length` bytes of a file from `first` on, read as they are taken. Rejects, without events, when the
 * file cannot be opened.
 */
export async function fileBody(
  files: Pick<Files, "open">,
  path: string,
  { first, length }: { readonly first: number; readonly length: number },
  events: BodyEvents,
): Promise<ReadableStream<Bytes>> {
  const file = await files.open(path, "read");
  const end = first + length;
  let at = first;
  let open = true;
  const close = async (): Promise<void> => {
    if (!open) return;
    open = false;
    events.ended();
    await file.close();
  };
  const next = async (controller: ReadableStreamDefaultController<Bytes>): Promise<void> => {
    const bytes = await file.read(at, Math.min(CHUNK_BYTES, end - at));
    if (!open) return;
    // A body that is shorter than was told must not look whole.
    if (bytes.length === 0 && at < end) throw new Error(`${path} became shorter`);
    at += bytes.length;
    events.sent(bytes.length);
    if (bytes.length > 0) controller.enqueue(bytes as Bytes);
    if (at < end) return;
    await close();
    controller.close();
  };
  return new ReadableStream<Bytes>(
    {
      pull: async (controller) => {
        try {
          await next(controller);
        } catch (error) {
          controller.error(error);
          await close().catch(() => {});
        }
      },
      cancel: () => close(),
    },
    { highWaterMark: 0 },
  );
}
