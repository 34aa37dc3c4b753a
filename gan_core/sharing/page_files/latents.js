// Random numbers of the page's own, and the way from one latent to another.

/** A 32-bit number that looks unrelated to those of the neighbours of `word`. */
function scramble(word) {
  const half = Math.imul(word ^ (word >>> 16), 0x21f0aaad);
  const whole = Math.imul(half ^ (half >>> 15), 0x735a2d97);
  return (whole ^ (whole >>> 15)) >>> 0;
}

/** Numbers in [0, 1) that follow from two whole numbers (xorshift128, Marsaglia 2003). */
function randomSource(set, index) {
  // The generator is linear: without scrambling, neighbouring seeds would give similar numbers.
  const state = Uint32Array.from([1, 2, 3, 4], (word) => scramble(index + scramble(set + scramble(word))));
  return () => {
    const first = state[0] ^ (state[0] << 11);
    const last = state[3];
    state.copyWithin(0, 1);
    state[3] = last ^ (last >>> 19) ^ first ^ (first >>> 8);
    return state[3] / 2 ** 32;
  };
}

/** One latent of `size` numbers, N(0, 1) or U(-1, 1); picture `index` of a set is the same whatever is drawn with it. */
function drawLatent(distribution, size, set, index) {
  const random = randomSource(set, index);
  if (distribution === "uniform") return Float32Array.from({ length: size }, () => 2 * random() - 1);
  // Box and Muller 1958; 1 - u is never 0.
  return Float32Array.from({ length: size }, () =>
    Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()));
}

/** The sum of U(-1, 1) and of `width` in (0, 1] times another one, moved so that it is U(-1, 1) again. */
function uniformOfSum(sum, width) {
  const size = Math.abs(sum);
  const left = Math.min(Math.max(1 + width - size, 0), 2 * width);
  const share = size <= 1 - width ? size : 1 - (left / (2 * width)) * (left / 2);
  return Math.sign(sum) * Math.min(share, 1);
}

/**
 * Between two draws, with the distribution of a single draw again (Agustsson et al. 2019, table 1). At 0 and 1 the ends
 * are reached exactly; equal ends are one draw.
 */
function matched(start, end, place, distribution) {
  const [a, b] = start.every((value, index) => value === end[index]) ? [1, 0] : [1 - place, place];
  const [large, small] = [Math.max(a, b), Math.max(Math.min(a, b), 1e-300)];
  const length = Math.hypot(a, b);
  return Float32Array.from(start, (value, index) => {
    const sum = a * value + b * end[index];
    return distribution === "uniform" ? uniformOfSum(sum / large, small / large) : sum / length;
  });
}
