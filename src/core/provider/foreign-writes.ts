const notesByProvider = new WeakMap<object, () => void>();

/** Lets `noteForeignWrites` find the provider's engine. */
export function bindForeignWrites(provider: object, note: (() => void) | undefined): void {
  if (note !== undefined) notesByProvider.set(provider, note);
}

/**
 * Notes that another process has told of a commit, so that no read of a provider that begins from now on is answered from before
 * it, by a replica that is behind. For the rooms above: it is no part of a provider's public face.
 */
export function noteForeignWrites(provider: object): void {
  notesByProvider.get(provider)?.();
}
