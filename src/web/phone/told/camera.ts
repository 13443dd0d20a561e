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
    const theme = getComputedStyle(document.documentElement);
    const fill = (token: string, draw: () => void): void => {
      context.fillStyle = theme.getPropertyValue(token);
      context.beginPath();
      draw();
      context.fill();
    };
    fill("--control", () => context.rect(0, 0, WIDE, HIGH));
    fill("--muted", () => context.ellipse(WIDE / 2, HIGH, 150, 120, 0, 0, 2 * Math.PI));
    fill("--ghost", () => context.ellipse(WIDE / 2, HIGH / 2, 88, 116, 0, 0, 2 * Math.PI));
    fill("--ink-2", () => context.ellipse(WIDE / 2, HIGH / 2 - 70, 92, 60, 0, Math.PI, 2 * Math.PI));
  }
  return canvas.captureStream(5);
}
