/**
 * Makes 64 bits of a text. It keeps nothing secret and holds off no attacker: it tells texts from each other, without
 * loading cryptography where a door is loaded.
 *
 * @returns 16 hexadecimal digits
 */
export function hashText(text: string): string {
  let high = 0xdeadbeef;
  let low = 0x41c6ce57;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    high = Math.imul(high ^ unit, 2_654_435_761);
    low = Math.imul(low ^ unit, 1_597_334_677);
  }
  const mixedHigh =
    Math.imul(high ^ (high >>> 16), 2_246_822_507) ^ Math.imul(low ^ (low >>> 13), 3_266_489_909);
  const mixedLow =
    Math.imul(low ^ (low >>> 16), 2_246_822_507) ^ Math.imul(mixedHigh ^ (mixedHigh >>> 13), 3_266_489_909);
  return hex(mixedHigh) + hex(mixedLow);
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0');
}
