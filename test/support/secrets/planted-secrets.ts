/**
 * The secrets of a test run, in the forms in which one may come out, and where one stands in a text. What has too
 * little in it to be a secret of its own, such as a short word or a key of zeros, is left out: it would be found in
 * anything.
 */

/** By so many first characters a form is looked up. */
const width = 12;
const leastDifferent = 8;
/** Of more forms the oldest are forgotten: a soak reveals millions. */
const mostForms = 200_000;

const forms = new Set<string>();
const byBeginning = new Map<string, Set<string>>();
/** Whether any form begins like this; one look tells for nearly all places of a text that none does. */
const mayBegin = new Uint8Array(0x1_0000);
let secrets = 0;

/** How many secrets were planted. */
export function countSecrets(): number {
  return secrets;
}

/** Plants a text: as it is, in base64, in hexadecimal and as part of a URL. Of a long one the last 40 characters tell. */
export function plantText(text: string): void {
  // The first and last lines of a PEM, and the first part of a token, are no secrets.
  const tail = text.replaceAll(/-----[A-Z ]+-----/g, '').trim();
  const form = tail.slice(-40);
  if (isKnown(form)) return;
  const bytes = Buffer.from(text);
  plant([
    form,
    encodeURIComponent(form),
    bytes.toString('base64').slice(0, Math.floor(bytes.length / 3) * 4),
    bytes.toString('hex'),
  ]);
}

/** Plants bytes: in base64 and base64url, in hexadecimal, and as an array or a Buffer that is printed. */
export function plantBytes(bytes: Uint8Array): void {
  if (bytes.length < 16) return;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const form = buffer.toString('hex');
  if (isKnown(form)) return;
  const first = Array.from(bytes.subarray(0, 8));
  plant([
    form,
    buffer.toString('base64').replace(/=+$/, '').slice(0, 40),
    buffer.toString('base64url').slice(0, 40),
    first.join(','),
    first.map((byte) => byte.toString(16).padStart(2, '0')).join(' '),
  ]);
}

/**
 * Finds the first secret in a text.
 *
 * @returns what stands around it, without it; undefined where there is none
 */
export function findSecret(text: string): string | undefined {
  const plain = joinLists(text);
  for (let at = 0; at + width <= plain.length; at += 1) {
    if (mayBegin[hash(plain, at)] === 0) continue;
    for (const form of byBeginning.get(plain.slice(at, at + width)) ?? []) {
      if (!plain.startsWith(form, at)) continue;
      const end = at + form.length;
      return `${plain.slice(Math.max(0, at - 120), at)}[a secret]${plain.slice(end, end + 40)}`;
    }
  }
  return undefined;
}

/** A known form becomes one of the newest. */
function isKnown(form: string): boolean {
  if (!forms.delete(form)) return false;
  forms.add(form);
  return true;
}

function plant(candidates: readonly string[]): void {
  const [whole = ''] = candidates;
  if (whole.length < width || new Set(whole).size < leastDifferent) return;
  secrets += 1;
  for (const candidate of candidates) {
    const form = joinLists(candidate);
    if (form.length < width) continue;
    forms.add(form);
    mayBegin[hash(form, 0)] = 1;
    const beginning = form.slice(0, width);
    const known = byBeginning.get(beginning);
    if (known === undefined) byBeginning.set(beginning, new Set([form]));
    else known.add(form);
  }
  for (const oldest of forms) {
    if (forms.size <= mostForms) return;
    forget(oldest);
  }
}

function forget(form: string): void {
  forms.delete(form);
  const beginning = form.slice(0, width);
  const known = byBeginning.get(beginning);
  known?.delete(form);
  if (known?.size === 0) byBeginning.delete(beginning);
}

/** As arrays are printed on several lines, and in columns. */
function joinLists(text: string): string {
  return text.replaceAll(/,\s+/g, ',');
}

function hash(text: string, at: number): number {
  return (
    (text.charCodeAt(at) ^ (text.charCodeAt(at + 5) << 4) ^ (text.charCodeAt(at + 11) << 9)) &
    (mayBegin.length - 1)
  );
}
