// In stories the camera sees a drawn head: nobody's face.

const WIDE = 360;
const HIGH = 480;

/** A picture that stands still. */
export async function drawnHead(): Promise<MediaStream> {
  const canvas = document.createElement("canvas");
  canvas.width = WIDE;
  canvas.height = HIGH;
  const context = canvas.getContext("2d");
  if (context !== null) {
    const fill = (colour: string, draw: () => void): void => {
      context.fillStyle = colour;
      context.beginPath();
      draw();
      context.fill();
    };
    fill("#7d8b8e", () => context.rect(0, 0, WIDE, HIGH));
    fill("#4f6064", () => context.ellipse(WIDE / 2, HIGH, 150, 120, 0, 0, 2 * Math.PI));
    fill("#a9b8ba", () => context.ellipse(WIDE / 2, HIGH / 2, 88, 116, 0, 0, 2 * Math.PI));
    fill("#3c484b", () => context.ellipse(WIDE / 2, HIGH / 2 - 70, 92, 60, 0, Math.PI, 2 * Math.PI));
  }
  return canvas.captureStream(5);
}
