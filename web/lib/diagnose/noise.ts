/** A picture that costs as many bits as are allowed: noise that jumps about. @module */

const [width, height, framesPerSecond] = [640, 360, 30];

export interface NoisePicture {
  readonly track: MediaStreamTrack;
  stop(): void;
}

export function noisePicture(): NoisePicture {
  const noise = canvasOf(2 * width, 2 * height);
  const pixels = noise.context.createImageData(2 * width, 2 * height);
  for (let i = 0; i < pixels.data.length; i++) {
    pixels.data[i] = i % 4 === 3 ? 255 : Math.random() * 256;
  }
  noise.context.putImageData(pixels, 0, 0);
  const shown = canvasOf(width, height);
  const draw = (): void =>
    shown.context.drawImage(noise.canvas, -Math.random() * width, -Math.random() * height);
  draw();
  const timer = setInterval(draw, 1000 / framesPerSecond);
  const [track] = shown.canvas.captureStream(framesPerSecond).getVideoTracks();
  if (track === undefined) throw new Error("This browser cannot send a drawn picture.");
  const stop = (): void => {
    clearInterval(timer);
    track.stop();
  };
  return { track, stop };
}

function canvasOf(
  width: number,
  height: number,
): { readonly canvas: HTMLCanvasElement; readonly context: CanvasRenderingContext2D } {
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  if (context === null) throw new Error("This browser cannot draw a picture.");
  return { canvas, context };
}
