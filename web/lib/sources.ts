/** What a page can publish: camera, screen, microphone, or a picture of its own. @module */
import { whyNoDevices } from "./words.ts";

export type SourceName = "camera" | "screen" | "microphone" | "test";

export interface SourceChoice {
  readonly source: SourceName;
  /** Device ids; empty for the browser's choice. */
  readonly camera: string;
  readonly microphone: string;
}

/** Asks for the media; throws what a person can be told. */
export async function openSource(choice: SourceChoice): Promise<MediaStream> {
  if (choice.source === "test") return testPicture();
  const refusal = whyNoDevices();
  if (refusal !== undefined) throw new Error(refusal);
  const audio = { ...exactly(choice.microphone), echoCancellation: true };
  switch (choice.source) {
    case "screen":
      return await navigator.mediaDevices.getDisplayMedia({
        video: { frameRate: { ideal: 30 } },
        audio: true,
      });
    case "microphone":
      return await navigator.mediaDevices.getUserMedia({ audio });
    default:
      return await camera(choice, audio);
  }
}

/** A camera without a microphone is better than nothing, and the other way round. */
async function camera(choice: SourceChoice, audio: MediaTrackConstraints): Promise<MediaStream> {
  const video = {
    ...exactly(choice.camera),
    width: { ideal: 1280 },
    height: { ideal: 720 },
    frameRate: { ideal: 30 },
  };
  try {
    return await navigator.mediaDevices.getUserMedia({ video, audio });
  } catch (error) {
    if (!(error instanceof DOMException && error.name === "NotFoundError")) throw error;
    const kinds = (await navigator.mediaDevices.enumerateDevices()).map(({ kind }) => kind);
    if (kinds.includes("videoinput")) return await navigator.mediaDevices.getUserMedia({ video });
    throw error;
  }
}

function exactly(deviceId: string): MediaTrackConstraints {
  return deviceId === "" ? {} : { deviceId: { exact: deviceId } };
}

const [width, height, framesPerSecond] = [1280, 720, 30];

/** Rings, a clock and the count of frames, and a soft tone once a second. */
function testPicture(): MediaStream {
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  if (context === null) throw new Error("This browser cannot draw the test picture.");
  let frame = 0;
  const timer = setInterval(() => drawTestPicture(context, frame++), 1000 / framesPerSecond);
  const stream = canvas.captureStream(framesPerSecond);
  const [picture] = stream.getVideoTracks();
  const sound = testTone();
  for (const track of sound.getAudioTracks()) stream.addTrack(track);
  // `ended` does not fire on stop(): the picture ends with its track.
  const stop = picture?.stop.bind(picture);
  if (picture !== undefined) {
    picture.stop = () => {
      clearInterval(timer);
      stop?.();
    };
  }
  return stream;
}

function drawTestPicture(context: CanvasRenderingContext2D, frame: number): void {
  context.fillStyle = "#020c2c";
  context.fillRect(0, 0, width, height);
  const phase = (frame % framesPerSecond) / framesPerSecond;
  for (let ring = 0; ring < 8; ring++) {
    const radius = (ring + phase) * 90;
    context.strokeStyle = `rgb(140 190 255 / ${Math.max(0, 1 - radius / 700)})`;
    context.lineWidth = 8;
    context.beginPath();
    context.arc(width * 0.72, height * 0.47, radius, 0, 2 * Math.PI);
    context.stroke();
  }
  context.fillStyle = "white";
  context.font = "bold 84px system-ui, sans-serif";
  context.fillText("Test picture", 72, 300);
  context.font = "40px ui-monospace, monospace";
  context.fillText(new Date().toISOString().slice(11, 23), 76, 560);
  context.fillText(`frame ${frame}`, 76, 616);
}

function testTone(): MediaStream {
  const context = new AudioContext();
  const destination = context.createMediaStreamDestination();
  const tone = new OscillatorNode(context, { frequency: 440 });
  const beat = new OscillatorNode(context, { frequency: 1 });
  const volume = new GainNode(context, { gain: 0.03 });
  const depth = new GainNode(context, { gain: 0.03 });
  tone.connect(volume).connect(destination);
  beat.connect(depth).connect(volume.gain);
  tone.start();
  beat.start();
  // Silent until a click where the browser wants one; the track exists all the same.
  context.resume().catch(() => {});
  const [track] = destination.stream.getAudioTracks();
  const stop = track?.stop.bind(track);
  if (track !== undefined) {
    track.stop = () => {
      stop?.();
      context.close().catch(() => {});
    };
  }
  return destination.stream;
}
