// The generator inside this page, run by ONNX Runtime Web.

/** The bytes of a `<script>` that holds base64; the text is dropped, since it is large. */
async function bytesOf(id) {
  const element = document.getElementById(id);
  const answer = await fetch(`data:application/octet-stream;base64,${element.textContent}`);
  element.textContent = "";
  return answer.arrayBuffer();
}

async function unpacked(id) {
  const packed = new Blob([await bytesOf(id)]);
  return new Response(packed.stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}

/** Loads engine and model; answers with `draw` and the model's own bytes. */
async function loadGenerator(data) {
  const [engine, model] = await Promise.all([unpacked("engine"), unpacked("model")]);
  const { env, InferenceSession, Tensor } = globalThis.ort;
  env.wasm.numThreads = 1; // more would need headers that only a server can send
  env.wasm.wasmBinary = engine;
  env.logLevel = "error";
  const session = await InferenceSession.create(new Uint8Array(model), { executionProviders: ["wasm"] });
  const pixels = data.shape.reduce((product, side) => product * side, 1);
  let last = Promise.resolve(); // a session answers one question at a time

  /**
   * Pictures as Float32Array (C·H·W) each, in the recipe's range, for latents and weights of the classes (null for a
   * model without classes).
   */
  function draw(latents, labels) {
    const answer = last.then(async () => {
      const inputs = { z: new Tensor("float32", joined(latents), [latents.length, data.latents.size]) };
      if (data.classes.length) {
        inputs.labels = new Tensor("float32", joined(labels), [latents.length, data.classes.length]);
      }
      const { images } = await session.run(inputs);
      return latents.map((_, index) => images.data.slice(index * pixels, (index + 1) * pixels));
    });
    last = answer.catch(() => undefined);
    return answer;
  }
  return { draw, model };
}

function joined(rows) {
  const all = new Float32Array(rows.length * rows[0].length);
  rows.forEach((row, index) => all.set(row, index * row.length));
  return all;
}

/** Puts a picture onto a canvas, rounded as the workbench rounds. */
function paint(canvas, picture, shape, [low, high]) {
  const [channels, height, width] = shape;
  canvas.width = width;
  canvas.height = height;
  const size = height * width;
  const image = new ImageData(width, height);
  for (let at = 0; at < size; at += 1) {
    for (let channel = 0; channel < 3; channel += 1) {
      const value = picture[at + (channels === 3 ? channel * size : 0)];
      image.data[4 * at + channel] = ((value - low) * 255) / (high - low); // clamped and rounded by its type
    }
    image.data[4 * at + 3] = 255;
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}
