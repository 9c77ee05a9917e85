import type { TransferTraits } from '../engine/transfer-traits.ts';

const traitsByProvider = new WeakMap<object, TransferTraits>();

/** Lets `transferOf` find how the engine of a provider moves whole databases. */
export function bindTransfer(provider: object, traits: TransferTraits | undefined): void {
  if (traits !== undefined) traitsByProvider.set(provider, traits);
}

/**
 * Finds how a whole database gets out of the engine and into it, for the rooms above: it is no part of a provider's
 * public face.
 *
 * @returns undefined where the engine cannot
 */
export function transferOf(provider: object): TransferTraits | undefined {
  return traitsByProvider.get(provider);
}
